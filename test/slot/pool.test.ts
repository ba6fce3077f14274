import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { GB } from "../fakes/card.ts";
import { poolBench } from "../server/enginePool.ts";

const model = { id: "m", bytes: GB };

test("a task cancelled while the engine loads does not cancel the next in line", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place(model)]);
  const stop = new AbortController();
  const first = bench.ask(member, "m", stop.signal);
  const second = bench.ask(member, "m");
  await bench.settle();
  stop.abort();
  await assert.rejects(first.lease, { code: "cancelled" });
  assert.equal(places.loads[0]?.signal.aborted, false, "the second waits for the same load");
  places.loads[0]?.succeed();
  using lease = await second.lease;
  assert.equal(lease.engine.model.id, "m");
});

test("a load that nobody waits for any more is broken off, and over before the next begins", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place(model)]);
  const stop = new AbortController();
  const first = bench.ask(member, "m", stop.signal);
  await bench.settle();
  stop.abort();
  await assert.rejects(first.lease, { code: "cancelled" });
  assert.equal(places.loads[0]?.signal.aborted, true);
  const second = bench.ask(member, "m");
  await bench.pass(1_000);
  assert.equal(places.loads.length, 1, "both would want the memory");
  places.loads[0]?.fail(new TandemError("cancelled", "given up", "nothing"));
  await bench.pass(1_000);
  places.loads[1]?.succeed();
  using lease = await second.lease;
  assert.equal(lease.engine.model.id, "m");
});

test("a load that ends after it was given up leaves nothing loaded", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place(model)]);
  const stop = new AbortController();
  const asked = bench.ask(member, "m", stop.signal);
  await bench.settle();
  stop.abort();
  await assert.rejects(asked.lease, { code: "cancelled" });
  places.loads[0]?.succeed();
  await bench.settle();
  assert.deepEqual([bench.residents(), bench.card.holds.size], [[], 0]);
});

test("a failed load fails its task in its own words, and the next one tries again", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place(model)]);
  const first = bench.ask(member, "m");
  await bench.settle();
  places.loads[0]?.fail(new TandemError("model-unavailable", "no such tensor", "take another"));
  await assert.rejects(first.lease, { code: "model-unavailable", nextStep: "take another" });
  assert.equal(member.status()[0]?.state, "failed");
  const second = bench.ask(member, "m");
  await bench.pass(1_000);
  places.loads[1]?.succeed();
  using _lease = await second.lease;
  assert.equal(member.status()[0]?.failures, 0);
});

test("an engine with several slots lets in as many as it has, the rest in order", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ ...model, slots: 2 })]);
  const asked = [bench.ask(member, "m"), bench.ask(member, "m"), bench.ask(member, "m"), bench.ask(member, "m")];
  const [first, second] = [await asked[0]?.lease, await asked[1]?.lease];
  const positions = asked.map(({ events }) => events.flatMap((it) => (it.kind === "waiting" ? [it.position] : [])));
  assert.deepEqual(
    positions.map((it) => it.at(-1)),
    [undefined, undefined, 1, 2],
  );
  assert.equal(member.tryAcquire("m"), null, "nobody overtakes the one in line");
  first?.[Symbol.dispose]();
  const third = await asked[2]?.lease;
  second?.[Symbol.dispose]();
  third?.[Symbol.dispose]();
  (await asked[3]?.lease)?.[Symbol.dispose]();
  using free = member.tryAcquire("m");
  assert.ok(free);
});

test("an engine that dies is loaded anew; one that is retired is closed when its last task is done", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const member = bench.join([places.place(model)]);
  const held = await bench.ask(member, "m").lease;
  places.engines.get("m")?.die("killed");
  await bench.settle();
  assert.equal(member.status()[0]?.state, "failed");
  held[Symbol.dispose]();
  const lease = await bench.ask(member, "m").lease;
  member.configure([]);
  await bench.pass(1_000);
  assert.deepEqual(bench.residents(), ["m"]);
  lease[Symbol.dispose]();
  await bench.pass(1_000);
  assert.deepEqual(bench.residents(), []);
  assert.deepEqual(member.status(), []);
});

test("a turn that is granted and cancelled at the same moment is given back", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place(model)]);
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  const stop = new AbortController();
  const asked = bench.ask(member, "m", stop.signal);
  assert.equal(member.status()[0]?.isBusy, true, "it is granted at once");
  stop.abort();
  await assert.rejects(asked.lease, { code: "cancelled" });
  await bench.settle();
  assert.deepEqual([member.status()[0]?.isBusy, member.status()[0]?.queued], [false, 0]);
  using free = member.tryAcquire("m");
  assert.ok(free);
});

test("an engine that could not use its GPU is counted where it runs, and leaves the GPU to others", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([
    bench.places.place({ id: "m", bytes: 12 * GB, isOnProcessor: true }),
    bench.places.place({ id: "n", bytes: 12 * GB }),
  ]);
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  (await bench.ask(member, "n").lease)[Symbol.dispose]();
  assert.deepEqual(bench.residents(), ["m", "n"]);
  assert.deepEqual(
    member.status().map((it) => it.memory.map(({ device, bytes }) => [device, bytes / GB])),
    [[["cpu", 12]], [[bench.card.name, 12]]],
  );
});

test("a pinned engine that no settings name any more stays where it can be seen, unpinned and unloaded", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place(model)]);
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
  member.user.pin("m");
  member.configure([]);
  await bench.pass(1_000);
  assert.deepEqual(
    member.status().map((it) => [it.isPinned, it.state, it.users]),
    [[true, "ready", 0]],
  );
  member.user.unpin("m");
  await bench.pass(301_000);
  assert.deepEqual([bench.residents(), member.status()], [[], []]);
});

test("who has its turn on a smaller model neither hears of loads of the larger one nor keeps them going", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  card.foreignBytes = 16 * GB;
  const large = places.place({ id: "large", bytes: 14 * GB, parametersB: 14, isAuto: true });
  const member = bench.join([large, places.place({ id: "small", bytes: 2 * GB, parametersB: 1, isAuto: true })]);
  const first = bench.ask(member, "large");
  using served = await first.lease;
  assert.equal(served.id, "small");
  const heard = first.events.length;
  card.foreignBytes = 0;
  places.isHeld = true;
  await bench.pass(2_000);
  const stop = new AbortController();
  const second = bench.ask(member, "large", stop.signal);
  await bench.pass(1_000);
  assert.equal(places.loads.length, 1);
  stop.abort();
  await assert.rejects(second.lease, { code: "cancelled" });
  assert.equal(places.loads[0]?.signal.aborted, true);
  places.loads[0]?.fail(new Error("given up"));
  await bench.settle();
  assert.equal(first.events.length, heard);
});
