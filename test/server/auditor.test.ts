import assert from "node:assert/strict";
import { test } from "node:test";
import type { Route } from "../../server/core/route.ts";
import type { RouteCandidate, RunEvent } from "../../server/protocol/run.ts";
import type { Membership } from "../../server/scheduler.ts";
import { acquireAuditor } from "../../server/tasks/auditor.ts";
import { GB } from "../fakes/card.ts";
import { poolBench } from "./enginePool.ts";

const never = new AbortController().signal;
const cost = { queueMs: 0, loadMs: 0, prefillMs: 0, decodeMs: 0, penaltyMs: 0, totalMs: 0 };
const candidate = (engine: string): RouteCandidate => ({ engine, model: engine, device: "GPU-1", cost, why: "a test" });
const plan: Route = { draft: candidate("draft"), audit: candidate("audit"), candidates: [], why: "a test" };

/** The drafter's lease and the auditor, asked for as the main job does. */
function both(scheduler: Membership, signal: AbortSignal, route: Route = plan) {
  const notices: string[] = [];
  const emit = () => undefined;
  const [short, queued, drafted] = [0, 1, 2].map(() => Promise.withResolvers<void>());
  if (!short || !queued || !drafted) throw new Error("three promises");
  const hear = (event: RunEvent) => {
    if (event.kind !== "waiting") return;
    queued.resolve();
    if (event.why !== undefined) short.resolve();
  };
  const drafter = scheduler.acquire(route.draft.engine, hear, signal);
  drafter.catch(() => undefined); // the test looks at it
  const waits = { isDraftShort: short.promise, isDraftQueued: queued.promise, isDrafted: drafted.promise };
  const notice = (message: string) => notices.push(message);
  const auditor = acquireAuditor({ plan: route, drafter, ...waits, scheduler, emit, notice }, signal);
  return { drafter, auditor, notices, isDrafted: drafted.resolve };
}

test("where both fit, each has an engine of its own", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const member = bench.join([places.place({ id: "draft", bytes: 12 * GB }), places.place({ id: "audit", bytes: GB })]);
  const { drafter, auditor, notices } = both(member, never);
  using drafting = await drafter;
  using auditing = await auditor;
  assert.deepEqual([drafting.id, auditing?.isShared, notices], ["draft", false, []]);
  assert.deepEqual(bench.residents().toSorted(), ["audit", "draft"]);
});

test("an audit that would wait for the memory that its own draft holds comes after it, from the same model", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const member = bench.join([
    places.place({ id: "draft", bytes: 14 * GB }),
    places.place({ id: "audit", bytes: 14 * GB }),
  ]);
  const { drafter, auditor, notices } = both(member, never);
  using drafting = await drafter;
  using auditing = await auditor;
  assert.equal(auditing?.isShared, true);
  assert.equal(auditing?.lease, drafting);
  assert.match(notices.join(), /^The audit comes after the draft, from the same model: audit waits for/);
  assert.deepEqual(
    member.status().map((it) => it.queued),
    [0, 0],
  );
});

test("a drafter that had to make do with the auditor's engine audits with it, too", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  card.foreignBytes = 16 * GB;
  const member = bench.join([
    places.place({ id: "draft", bytes: 14 * GB, parametersB: 14, isAuto: true }),
    places.place({ id: "audit", bytes: 2 * GB, parametersB: 1.5, isAuto: true }),
  ]);
  const { drafter, auditor, notices } = both(member, never);
  using drafting = await drafter;
  assert.deepEqual([drafting.id, (await auditor)?.isShared], ["audit", true]);
  assert.match(drafting.instead ?? "", /^draft cannot be had now/);
  assert.deepEqual(notices, ["The audit comes after the draft, from the same model: audit drafts already"]);
});

test("a draft that waited for memory and then has its own engine is audited by the other after all", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  card.foreignBytes = 16 * GB;
  const member = bench.join([places.place({ id: "draft", bytes: 14 * GB }), places.place({ id: "audit", bytes: GB })]);
  const { drafter, auditor } = both(member, never);
  await bench.pass(2_000);
  card.foreignBytes = 0;
  await bench.pass(2_000);
  using drafting = await drafter;
  using auditing = await auditor;
  assert.deepEqual([drafting.id, auditing?.isShared], ["draft", false]);
});

test("a draft that fails leaves no turn behind", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place({ id: "draft", bytes: GB }), places.place({ id: "audit", bytes: GB })]);
  const stop = new AbortController();
  const { drafter, auditor } = both(member, stop.signal);
  await bench.settle();
  places.loads.find((it) => it.id === "draft")?.fail(new Error("broken"));
  await assert.rejects(drafter, /broken/);
  stop.abort();
  assert.equal(await auditor, null);
  assert.equal(places.loads.find((it) => it.id === "audit")?.signal.aborted, true);
  places.loads.find((it) => it.id === "audit")?.fail(new Error("given up"));
  await bench.pass(1_000);
  assert.deepEqual(
    member.status().map((it) => it.queued),
    [0, 0],
  );
});

const reversed: Route = { ...plan, draft: candidate("audit"), audit: candidate("draft") };

test("two tasks of which each drafts where the other audits do not wait for each other", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  card.foreignBytes = 16 * GB;
  const engines = [places.place({ id: "draft", bytes: 14 * GB }), places.place({ id: "audit", bytes: GB })];
  // It lets go of its audit while its draft waits for memory, and asks for it again afterwards.
  const one = both(bench.join(engines), never);
  await bench.pass(2_000);
  places.isHeld = true;
  card.foreignBytes = 0;
  await bench.pass(2_000);
  const other = both(bench.join(engines), never, reversed);
  await bench.settle();
  for (const it of places.loads) it.succeed();
  using drafting = await one.drafter;
  using _other = await other.drafter;
  await bench.settle();
  one.isDrafted();
  assert.equal((await one.auditor)?.lease, drafting);
  assert.deepEqual(one.notices, ["The audit comes after the draft, from the same model: audit answers other requests"]);
  drafting[Symbol.dispose]();
  using auditing = await other.auditor;
  assert.deepEqual([auditing?.lease.id, auditing?.isShared], ["draft", false]);
});

test("an audit keeps no turn while its draft waits for one that a task holds which drafts there", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const member = bench.join([places.place({ id: "draft", bytes: GB }), places.place({ id: "audit", bytes: GB })]);
  const busy = await bench.ask(member, "draft").lease;
  const waiting = both(member, never);
  await bench.pass(1_000);
  // Who holds the turn that the draft waits for may now have one where it would be audited.
  using free = member.tryAcquire("audit");
  assert.ok(free);
  free[Symbol.dispose]();
  busy[Symbol.dispose]();
  using drafting = await waiting.drafter;
  using auditing = await waiting.auditor;
  assert.deepEqual([drafting.id, auditing?.isShared], ["draft", false]);
});
