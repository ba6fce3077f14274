import assert from "node:assert/strict";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { GB } from "../fakes/card.ts";
import { noMemory } from "../fakes/places.ts";
import { type Asked, poolBench } from "./enginePool.ts";

const waits = ({ events }: Asked) => events.flatMap((it) => (it.kind === "waiting" ? [it.why ?? it.position] : []));
const failure = (work: Promise<unknown>) =>
  work.then(
    () => assert.fail("it did not fail"),
    (error: TandemError) => error,
  );

test("a model that does not fit beside an idle one takes its place, and a busy one is never touched", async (t) => {
  await using bench = poolBench(t);
  const { places, card } = bench;
  const member = bench.join([places.place({ id: "a", bytes: 14 * GB }), places.place({ id: "b", bytes: 14 * GB })]);
  const a = await bench.ask(member, "a").lease;
  await bench.pass(11_000);
  const b = bench.ask(member, "b");
  await bench.pass(2_000);
  assert.deepEqual(bench.residents(), ["a"], "it answers");
  assert.match(String(waits(b)[0]), /^b waits for 6\.0 GB on RTX 3090: held by a \(busy\)/);
  a[Symbol.dispose]();
  await bench.pass(2_000);
  using _b = await b.lease;
  assert.deepEqual(places.log, ["load a GPU-1", "unload a", "load b GPU-1"]);
  assert.deepEqual([...card.holds.values()], [14 * GB]);
});

test("another program takes the memory: a request queues, hears why, and is served when it has left", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "a", bytes: 10 * GB })]);
  bench.card.foreignBytes = 16 * GB;
  const asked = bench.ask(member, "a");
  await bench.pass(5_000);
  const why = "a waits for 4.0 GB on RTX 3090: held by other programs (16.0 GB)";
  assert.equal(waits(asked)[0], why);
  const [status] = member.status();
  assert.deepEqual([status?.state, status?.queued], ["idle", 1]);
  assert.equal(status?.waitsFor, why);
  assert.deepEqual(bench.places.log, []);
  bench.card.foreignBytes = GB;
  await bench.pass(2_000);
  using _lease = await asked.lease;
  assert.equal(member.status()[0]?.waitsFor, null);
});

test("under critical pressure a busy model's requests get their grace, and then hear why they were ended", async (t) => {
  await using bench = poolBench(t, { rules: { graceMs: 5_000 } });
  const member = bench.join([bench.places.place({ id: "a", bytes: 12 * GB })]);
  using lease = await bench.ask(member, "a").lease;
  const request = { prompt: { kind: "text", text: "" }, maxTokens: 9, temperature: 0, topP: 1 } as const;
  const rest = { repeatPenalty: 1, seed: null, stop: [], shape: null };
  const answer = lease.engine.generate({ ...request, ...rest }, new AbortController().signal)[Symbol.asyncIterator]();
  await answer.next();
  bench.card.foreignBytes = 11.5 * GB;
  const ended = failure(answer.next());
  await bench.pass(2_000);
  assert.deepEqual(bench.places.log, ["load a GPU-1"], "its requests may still end by themselves");
  await bench.pass(10_000);
  const error = await ended;
  assert.deepEqual([error.code, error.isRetryable], ["no-memory", true]);
  lease.reportFailure(error);
  assert.equal(member.status()[0]?.failures, 0, "that is no fault of the engine's");
  assert.deepEqual(bench.places.log, ["load a GPU-1", "unload a"]);
});

test("a pinned model stays, whoever wants its place; unpinned it goes", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const member = bench.join([places.place({ id: "a", bytes: 14 * GB }), places.place({ id: "b", bytes: 14 * GB })]);
  assert.equal(member.user.pin("a").isPinned, true, "before it is loaded");
  (await bench.ask(member, "a").lease)[Symbol.dispose]();
  await bench.pass(11_000);
  const b = bench.ask(member, "b");
  await bench.pass(60_000);
  assert.deepEqual(bench.residents(), ["a"]);
  member.user.unpin("a");
  await bench.pass(2_000);
  using _b = await b.lease;
  assert.deepEqual(bench.residents(), ["b"]);
});

test("an idle model gives its keys and values back, then its weights; then no timer runs any more", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "a", bytes: 4 * GB })]);
  (await bench.ask(member, "a").lease)[Symbol.dispose]();
  await bench.pass(59_000);
  assert.deepEqual(bench.places.log, ["load a GPU-1"]);
  assert.ok((member.status()[0]?.idleMs ?? 0) >= 58_000);
  await bench.pass(3_000);
  assert.deepEqual(bench.places.log, ["load a GPU-1", "trim a"]);
  await bench.pass(240_000);
  assert.deepEqual(bench.places.log, ["load a GPU-1", "trim a", "unload a"]);
  const { isBusy, memory, state } = member.status()[0] ?? {};
  assert.deepEqual([isBusy, memory, state], [false, [], "idle"]);
});

test("an embedder makes way for a writer by going to the processor", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const options = [
    { id: "GPU-1", needs: [{ device: "GPU-1", bytes: 9 * GB }], why: "it fits" },
    { id: "cpu", needs: [{ device: "cpu", bytes: 9 * GB }], why: "it is small" },
  ];
  const member = bench.join([
    places.place({ id: "e", bytes: 9 * GB, kind: "embedder", roles: ["embed"], options }),
    places.place({ id: "w", bytes: 14 * GB }),
  ]);
  (await bench.ask(member, "e").lease)[Symbol.dispose]();
  await bench.pass(11_000);
  using _writer = await bench.ask(member, "w").lease;
  const embedder = bench.ask(member, "e");
  await bench.pass(2_000);
  using _e = await embedder.lease;
  assert.deepEqual(places.log, ["load e GPU-1", "unload e", "load w GPU-1", "load e cpu"]);
  assert.deepEqual(
    member.status().map((it) => it.memory.map(({ device, bytes }) => [device, bytes / GB])),
    [[["cpu", 9]], [["GPU-1", 14]]],
  );
});

for (const health of ["stale", "broken"] as const)
  test(`with ${health} telemetry work goes on`, async (t) => {
    await using bench = poolBench(t);
    const member = bench.join([bench.places.place({ id: "a", bytes: 10 * GB })]);
    await bench.pass(1_000);
    bench.card.health = health;
    using lease = await bench.ask(member, "a").lease;
    assert.equal(lease.engine.model.id, "a");
  });

test("a card that is too hot gets no new work until it has cooled, and who waits hears why", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "a", bytes: 4 * GB })]);
  (await bench.ask(member, "a").lease)[Symbol.dispose]();
  bench.card.thermal = "critical";
  await bench.pass(1_000);
  const asked = bench.ask(member, "a");
  await bench.pass(5_000);
  assert.deepEqual(
    member.status().map((it) => [it.isBusy, it.queued, it.waitsFor]),
    [[false, 1, "RTX 3090 is too hot for more work"]],
  );
  bench.card.thermal = "warm";
  await bench.pass(1_000);
  using _lease = await asked.lease;
});

test("a smaller one of our own choice answers where there is no room; one the user chose is waited for", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  const big = { bytes: 14 * GB, parametersB: 14 };
  const small = { bytes: 2 * GB, parametersB: 1.5, roles: ["audit"] as const };
  const auto = bench.join([
    places.place({ id: "draft", ...big, isAuto: true }),
    places.place({ id: "audit", ...small, isAuto: true }),
  ]);
  const chosen = bench.join([places.place({ id: "mine", ...big }), places.place({ id: "also", ...small })]);
  bench.card.foreignBytes = 12 * GB;
  const [served, waiting] = [bench.ask(auto, "draft"), bench.ask(chosen, "mine")];
  await bench.pass(1_000);
  using lease = await served.lease;
  assert.deepEqual([lease.id, lease.engine.model.id], ["audit", "audit"]);
  assert.ok(served.events.some((it) => it.kind === "notice" && /draft/.test(it.message)));
  assert.equal(waits(waiting).length > 0, true);
  assert.deepEqual(bench.residents(), ["audit"]);
});

test("a load that finds no memory is tried once more, and then says what it found", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place({ id: "a", bytes: 10 * GB })]);
  const asked = bench.ask(member, "a");
  await bench.pass(1_000);
  places.loads[0]?.fail(noMemory());
  await bench.pass(8_000);
  assert.equal(places.loads.length, 2);
  places.loads[1]?.fail(noMemory());
  const error = await failure(asked.lease);
  assert.equal(error.code, "no-memory");
  assert.equal((error.cause as Error).message, "cudaMalloc failed");
});

test("a server that was not there is asked again by each request, until its breaker opens; then once that time is over", async (t) => {
  await using bench = poolBench(t);
  const { places } = bench;
  places.isHeld = true;
  const member = bench.join([places.place({ id: "server", bytes: 0 })]);
  for (let time = 0; time < 5; time++) {
    const asked = bench.ask(member, "server");
    await bench.settle();
    places.loads[time]?.fail(new TandemError("provider", "connection refused", "start it"));
    assert.equal((await failure(asked.lease)).message, "connection refused");
  }
  const refused = await failure(bench.ask(member, "server").lease);
  assert.deepEqual([refused.code, refused.isRetryable, refused.details?.retryAfterMs], ["disabled", true, 5_000]);
  await bench.pass(5_000);
  const asked = bench.ask(member, "server");
  await bench.settle();
  assert.equal(places.loads.length, 6);
  places.loads[5]?.succeed();
  using lease = await asked.lease;
  assert.equal(lease.engine.model.id, "server");
});

test("more than may wait are refused as a server does it that has too much to do", async (t) => {
  await using bench = poolBench(t, { rules: { mostWaiting: 2 } });
  const member = bench.join([bench.places.place({ id: "a", bytes: GB })]);
  using _busy = await bench.ask(member, "a").lease;
  const [one, two, three] = [bench.ask(member, "a"), bench.ask(member, "a"), bench.ask(member, "a")];
  const error = await failure(three.lease);
  assert.deepEqual([error.code, error.details?.status], ["provider", 429]);
  assert.deepEqual([waits(one), waits(two)], [[1], [2]]);
});

test("the user loads, unloads and pins by name or handle, and hears what there is when he errs", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place({ id: "a", bytes: GB })]);
  const signal = new AbortController().signal;
  const loaded = await member.user.load("a", () => undefined, signal);
  assert.deepEqual([loaded.state, loaded.memory], ["ready", [{ device: "GPU-1", bytes: GB, isMeasured: true }]]);
  const other = bench.join([]);
  assert.equal(other.user.pin(loaded.handle).isPinned, true);
  const busy = await bench.ask(member, "a").lease;
  const unloading = other.user.unload(loaded.handle, signal);
  await bench.settle();
  assert.deepEqual(bench.residents(), ["a"], "its request ends first");
  busy[Symbol.dispose]();
  const unloaded = await unloading;
  assert.deepEqual([unloaded.state, unloaded.isPinned, bench.residents()], ["idle", false, []]);
  assert.deepEqual((await other.user.unload(loaded.handle, signal)).state, "idle", "once more changes nothing");
  assert.throws(() => member.user.pin("b"), { code: "bad-input", nextStep: /Name one of: a \(a\)/ });
});
