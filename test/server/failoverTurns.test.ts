import assert from "node:assert/strict";
import { test } from "node:test";
import type { Task } from "../../server/core/task.ts";
import type { GenerateRequest } from "../../server/ports.ts";
import type { RouteCandidate } from "../../server/protocol/run.ts";
import { Settings } from "../../server/protocol/settings.ts";
import type { Membership } from "../../server/scheduler.ts";
import { type Carried, carry } from "../../server/tasks/carried.ts";
import { createFailover } from "../../server/tasks/failover.ts";
import { gather } from "../../server/tasks/team.ts";
import { randomFrom } from "../core/govern/randomTrace.ts";
import { broke, type Mortal, mortalPool, stuck } from "./mortal.ts";

const TEXT = "export function add(a, b) {\n  return a + b;\n}\n";
const never = new AbortController().signal;
const ASK: GenerateRequest = {
  ...{ prompt: { kind: "text", text: "write" }, maxTokens: 1_000, temperature: 0, topP: 1 },
  ...{ repeatPenalty: 1, seed: 1, stop: [], shape: null },
};
const SHAPE = { name: "any", gbnf: "root ::= .*", jsonSchema: {} };
const lives = (id: string, more: Partial<Mortal> = {}): Mortal => ({ id, dies: () => null, ...more });
const diesAfter = (id: string, after: number): Mortal => ({ id, dies: () => ({ after, error: stuck() }) });

test("a turn that is held already is used rather than waiting for one", async () => {
  await using pool = mortalPool(TEXT, [diesAfter("a", 20), lives("b"), lives("c")]);
  const { member } = pool;
  const clock = { nowMs: () => 0 };
  using own = await member.acquire("c", () => undefined, never);
  // Somebody else has the first choice, and does not give it back.
  using _other = await member.acquire("b", () => undefined, never);
  const need = { use: "write", pinned: null, isRelayOnly: false } as const;
  const holding = { lease: async () => own, giveUp: () => assert.fail("it is used") };
  const shared = { scheduler: member, need, cloud: null, work: "answers" } as const;
  const failover = createFailover({ ...shared, emit: () => undefined, holding });
  const { lease } = await failover.begin("a", never);
  using carried = carry({ lease, failover, clock, deadlineMs: null, confined: "fails" });
  let text = "";
  for await (const piece of carried.generate(ASK, never)) if (piece.kind === "text") text += piece.text;
  assert.equal(text, TEXT);
  assert.equal(carried.lease.id, "c");
  carried[Symbol.dispose]();
  assert.deepEqual(
    member.status().map((it) => it.queued),
    [0, 0, 0],
  );
  // It is its owner's to give back.
  assert.deepEqual(
    member.status().map((it) => it.active),
    [0, 1, 1],
  );
});

test("work that gives way to more urgent work goes on afterwards where it was, without a seam", async () => {
  const gate = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let pieces = 0;
  await using pool = mortalPool(TEXT, [
    lives("a", { beforePiece: async () => (++pieces === 5 ? gate.promise : undefined) }),
  ]);
  const urgent = pool.join("interactive");
  const background = pool.join("background");
  const shared = { scheduler: background, emit: () => undefined, cloud: null, work: "answers" } as const;
  const failover = createFailover({ ...shared, need: { use: "write", pinned: null, isRelayOnly: false } });
  const { lease } = await failover.begin("a", never);
  using carried = carry({ lease, failover, clock: { nowMs: () => 0 }, deadlineMs: null, confined: "fails" });
  const kinds: string[] = [];
  let text = "";
  const work = (async () => {
    for await (const piece of carried.generate(ASK, never)) {
      kinds.push(piece.kind);
      if (piece.kind === "text") text += piece.text;
      if (kinds.length === 4) held.resolve();
    }
  })();
  await held.promise;
  const turn = await urgent.acquire("a", () => undefined, never);
  turn[Symbol.dispose]();
  gate.resolve();
  await work;
  assert.equal(text, TEXT);
  assert.deepEqual([...new Set(kinds)], ["text", "done"]);
  assert.equal(pool.asked.length, 2);
});

const cost = { queueMs: 0, loadMs: 0, prefillMs: 0, decodeMs: 0, penaltyMs: 0, totalMs: 0 };
const at = (engine: string): RouteCandidate => ({ engine, model: engine, device: "cpu", cost, why: "a test" });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function textOf(carried: Carried, request: GenerateRequest): Promise<string> {
  let text = "";
  for await (const piece of carried.generate(request, never)) {
    if (piece.kind === "over") text = "";
    if (piece.kind === "text") text += piece.text;
  }
  return text;
}

/** Drafts on one engine and audits on another, as the main job does. Returns what came of each; null: it failed. */
async function task(scheduler: Membership, draftOn: string, auditOn: string) {
  const drafted = Promise.withResolvers<void>();
  const waits = { isDraftShort: new Promise<void>(() => undefined), isDraftQueued: Promise.withResolvers<void>() };
  const hear = (event: { kind: string }) => void (event.kind === "waiting" && waits.isDraftQueued.resolve());
  const until = new AbortController();
  const team = gather(
    {
      plan: { draft: at(draftOn), audit: at(auditOn), candidates: [], why: "a test" },
      task: { model: null } as Task,
      cloud: null,
      deps: { scheduler, clock: { nowMs: () => 0 }, settings: Settings.parse({}) },
      ...{ isDraftShort: waits.isDraftShort, isDraftQueued: waits.isDraftQueued.promise, isDrafted: drafted.promise },
      ...{ hear, emit: () => undefined, notice: () => undefined },
    },
    never,
    until.signal,
  );
  const auditing = team.auditor.then((it) => {
    if (!it) return null;
    const ready = it.isShared ? drafted.promise : Promise.resolve();
    return ready.then(() => textOf(it.carried, { ...ASK, shape: SHAPE })).catch(() => null);
  });
  try {
    using draft = await team.draft;
    const text = await textOf(draft, ASK);
    drafted.resolve();
    return { draft: text, audit: await auditing };
  } catch {
    drafted.resolve();
    return { draft: null, audit: null };
  } finally {
    until.abort();
    await auditing;
    (await team.auditor)?.[Symbol.dispose]();
  }
}

for (let seed = 1; seed <= 25; seed++)
  test(`tasks whose engines die under them and that move to each other's all end, their texts whole (${seed})`, {
    timeout: 20_000,
  }, async () => {
    const random = randomFrom(seed);
    const ids = ["a", "b", "c"];
    const any = () => ids[Math.floor(random() * ids.length)] ?? "a";
    const dies = () =>
      random() < 0.4 ? { after: Math.floor(random() * 30), error: random() < 0.5 ? stuck() : broke() } : null;
    await using pool = mortalPool(
      TEXT,
      ids.map((id) => ({ id, dies, beforePiece: turn })),
    );
    const members = [pool.member, pool.join("task"), pool.join("background")];
    const tasks = Array.from({ length: 10 }, async (_, nth) => {
      for (let turns = 0; turns < nth; turns++) await turn();
      const member = members[nth % members.length] ?? pool.member;
      return await task(member, any(), any());
    });
    for (const { draft, audit } of await Promise.all(tasks)) {
      assert.ok(draft === null || draft === TEXT);
      assert.ok(audit === null || audit === TEXT);
    }
    // What nobody waits for any more is let go in a turn of its own.
    for (let turns = 0; turns < 10; turns++) await turn();
    assert.ok(pool.member.status().every((it) => it.active === 0 && it.queued === 0));
  });
