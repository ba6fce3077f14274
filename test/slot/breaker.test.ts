import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { GB } from "../fakes/card.ts";
import { type PoolBench, poolBench } from "../server/enginePool.ts";

const refused = { code: "disabled", isRetryable: true } as const;
const hungUp = new TandemError("provider", "it hung up", "look at its log");

/** An engine that has failed so often that its breaker is open. */
async function broken(t: TestContext, options: Parameters<typeof poolBench>[1] = {}) {
  const bench = poolBench(t, options);
  const place = bench.places.place({ id: "m", bytes: GB, slots: 9 });
  const member = bench.join([place]);
  for (let time = 0; time < 5; time++) await fail(bench, member);
  return { bench, member, place };
}

async function fail(
  bench: PoolBench,
  member: ReturnType<PoolBench["join"]>,
  error: unknown = hungUp,
): Promise<RunEvent[]> {
  const { lease, events } = bench.ask(member, "m");
  using held = await lease;
  held.reportFailure(error);
  return events;
}

const worked = { promptTokens: 1, prefillMs: 1, completionTokens: 1, decodeMs: 1 };

test("five failures in a row: nobody is sent to it for five seconds, then one is, and a success lets all in again", async (t) => {
  const heard: unknown[] = [];
  const { bench, member } = await broken(t, { onBreaker: (it) => heard.push(it) });
  await using _bench = bench;
  const error = await bench.ask(member, "m").lease.catch((it: unknown) => it);
  assert.ok(error instanceof TandemError);
  assert.deepEqual([error.code, error.isRetryable, error.details], ["disabled", true, { retryAfterMs: 5_000 }]);
  assert.equal(error.message, "m failed repeatedly and gets no requests for 5 s: it hung up");
  assert.equal(member.tryAcquire("m"), null);
  assert.deepEqual(member.snapshot()[0]?.breaker, { state: "open", retryInMs: 5_000, why: "it hung up" });
  await bench.pass(5_000);
  assert.equal(member.status()[0]?.breaker.state, "half-open");
  const first = bench.ask(member, "m");
  using trying = await first.lease;
  await assert.rejects(bench.ask(member, "m").lease, refused);
  trying.report(worked);
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  assert.deepEqual(member.status()[0]?.breaker, { state: "closed", retryInMs: null, why: null });
  const notices = first.events.flatMap((it) => (it.kind === "notice" ? [it.message] : []));
  assert.deepEqual(notices, ["m is tried again after it failed: it hung up", "m works again"]);
  assert.deepEqual(heard, [
    { model: "m", state: "open" },
    { model: "m", state: "closed" },
  ]);
});

test("the run whose failure opens it is told so, once", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "m", bytes: GB })]);
  const told: string[][] = [];
  for (let time = 0; time < 5; time++)
    told.push((await fail(bench, member)).flatMap((it) => (it.kind === "notice" ? [it.message] : [])));
  assert.deepEqual(told.flat(), ["m failed repeatedly and gets no requests for 5 s: it hung up"]);
  assert.equal(told[4]?.length, 1);
});

const harmless: readonly { name: string; error: TandemError }[] = [
  { name: "a refused request", error: new TandemError("provider", "bad", "", { details: { status: 400 } }) },
  { name: "too many requests", error: new TandemError("provider", "later", "", { details: { status: 429 } }) },
  { name: "a server that cannot do this", error: new TandemError("provider", "no", "", { details: { status: 501 } }) },
  { name: "a refused key", error: new TandemError("not-configured", "key", "", { details: { status: 401 } }) },
  { name: "a prompt that is too long", error: new TandemError("context-length", "long", "") },
  { name: "want of memory", error: new TandemError("no-memory", "full", "") },
  { name: "cancelling", error: new TandemError("cancelled", "stop", "") },
];

for (const { name, error } of harmless)
  test(`${name} does not open it`, async (t) => {
    await using bench = poolBench(t);
    const member = bench.join([bench.places.place({ id: "m", bytes: GB })]);
    for (let time = 0; time < 12; time++) await fail(bench, member, error);
    assert.equal(member.status()[0]?.breaker.state, "closed");
  });

const harmful: readonly { name: string; error: unknown }[] = [
  { name: "a server that fails", error: new TandemError("provider", "500", "", { details: { status: 500 } }) },
  { name: "a server that is not ready", error: new TandemError("provider", "503", "", { details: { status: 503 } }) },
  { name: "no answer in time", error: new TandemError("timeout", "late", "") },
  { name: "a broken connection", error: hungUp },
  { name: "a bug in a library", error: new TypeError("undefined") },
];

for (const { name, error } of harmful)
  test(`${name} opens it`, async (t) => {
    await using bench = poolBench(t);
    const member = bench.join([bench.places.place({ id: "m", bytes: GB })]);
    for (let time = 0; time < 5; time++) await fail(bench, member, error);
    assert.equal(member.status()[0]?.breaker.state, "open");
  });

test("those that wait for it are sent away at once when it opens", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "m", bytes: GB })]);
  for (let time = 0; time < 4; time++) await fail(bench, member);
  using held = await bench.ask(member, "m").lease;
  const waiting = [bench.ask(member, "m"), bench.ask(member, "m")];
  held.reportFailure(hungUp);
  for (const it of waiting) await assert.rejects(it.lease, refused);
  await bench.settle();
  assert.equal(member.status()[0]?.queued, 0);
});

test("it outlives new settings with the same source, and is closed by hand, or by who loads the engine by name", async (t) => {
  const { bench, member, place } = await broken(t);
  await using _bench = bench;
  member.configure([place]);
  assert.equal(member.status()[0]?.breaker.state, "open");
  assert.throws(() => member.user.reset("nothing"), { code: "bad-input" });
  assert.deepEqual(member.user.reset("m"), ["e1"]);
  assert.deepEqual(member.user.reset(undefined), [], "none is open any more");
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  for (let time = 0; time < 5; time++) await fail(bench, member);
  await assert.rejects(bench.ask(member, "m").lease, refused);
  await member.user.load("m", () => undefined, new AbortController().signal);
  assert.equal(member.status()[0]?.breaker.state, "closed");
});

test("an engine that nobody has any more is found as it was by who comes back", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const place = places.place({ id: "server", bytes: 0 });
  for (let time = 0; time < 5; time++) {
    using member = bench.join([place]);
    const asked = bench.ask(member, "server");
    await bench.settle();
    places.loads[time]?.fail(hungUp);
    await assert.rejects(asked.lease, { code: "provider" });
  }
  assert.equal(bench.join([]).status().length, 0, "nobody has it");
  const member = bench.join([place]);
  await assert.rejects(bench.ask(member, "server").lease, refused);
  assert.deepEqual(member.user.reset(undefined).length, 1);
});

test("a request that tries it and is cancelled leaves that to the next", async (t) => {
  const { bench, member } = await broken(t);
  await using _bench = bench;
  await bench.pass(5_000);
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  using next = await bench.ask(member, "m").lease;
  next.reportFailure(hungUp);
  assert.deepEqual(member.status()[0]?.breaker, { state: "open", retryInMs: 10_000, why: "it hung up" });
});

test("what a request had cost before it failed does not close it", async (t) => {
  const { bench, member } = await broken(t);
  await using _bench = bench;
  await bench.pass(5_000);
  using held = await bench.ask(member, "m").lease;
  held.reportFailure(hungUp);
  held.report(worked);
  assert.equal(member.status()[0]?.breaker.state, "open");
});

test("one that is open does not stand in for a larger one", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  const small = places.place({ id: "m", bytes: 2 * GB, parametersB: 1, isAuto: true });
  const large = places.place({ id: "large", bytes: 14 * GB, parametersB: 14, isAuto: true });
  const member = bench.join([large, small]);
  for (let time = 0; time < 5; time++) await fail(bench, member);
  card.foreignBytes = 16 * GB;
  await bench.pass(1_000);
  const asked = bench.ask(member, "large");
  await bench.pass(4_000);
  assert.equal(member.status()[0]?.queued, 1, "it waits for memory");
  card.foreignBytes = 0;
  await bench.pass(2_000);
  using lease = await asked.lease;
  assert.equal(lease.id, "large");
});
