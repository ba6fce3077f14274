import assert from "node:assert/strict";
import { test } from "node:test";
import { isPreempted, TandemError } from "../../server/errors.ts";
import type { GenerateRequest } from "../../server/ports.ts";
import type { Lease } from "../../server/scheduler.ts";
import { GB } from "../fakes/card.ts";
import { poolBench } from "../server/enginePool.ts";

const model = { id: "m", bytes: GB };
const never = new AbortController().signal;
const quiet = () => undefined;

test("a person takes the offered turn of background work, which hears why and goes on afterwards", async (t) => {
  await using bench = poolBench(t);
  const place = bench.places.place(model);
  const [background, person] = [bench.join([place], "background"), bench.join([place])];
  const held = await bench.ask(background, "m").lease;
  held.offer();
  const { rest } = await begun(held);
  const asked = bench.ask(person, "m");
  const error = await failure(rest);
  assert.deepEqual([isPreempted(error), error.isRetryable], [true, true]);
  assert.match(error.message, /gave way to more urgent work/);
  held.reportFailure(error);
  const next = held.resume(quiet, never);
  using answering = await asked.lease;
  assert.equal(answering.engine.model.id, "m");
  assert.equal(person.status()[0]?.failures, 0, "nothing is wrong with the engine");
  answering[Symbol.dispose]();
  using again = await next;
  assert.equal(again.id, "m");
});

test("what goes on does so before what came later, and is not ended a fourth time", async (t) => {
  await using bench = poolBench(t);
  const place = bench.places.place(model);
  const [programs, person] = [bench.join([place], "task"), bench.join([place])];
  let held = await bench.ask(programs, "m").lease;
  const later = bench.ask(programs, "m");
  for (let time = 0; time < 3; time++) {
    held.offer();
    const { rest } = await begun(held);
    const asked = bench.ask(person, "m");
    assert.ok(isPreempted(await failure(rest)));
    const next = held.resume(quiet, never);
    (await asked.lease)[Symbol.dispose]();
    held = await next;
  }
  held.offer();
  const { rest } = await begun(held);
  const asked = bench.ask(person, "m");
  assert.equal(await Promise.race([rest.then(quiet, () => "ended"), bench.pass(1_000)]), undefined);
  held[Symbol.dispose]();
  (await asked.lease)[Symbol.dispose]();
  (await later.lease)[Symbol.dispose]();
});

test("a turn with which nothing is done is given to who needs it, and its owner hears when he uses it", async (t) => {
  await using bench = poolBench(t);
  const place = bench.places.place(model);
  const [background, person] = [bench.join([place], "background"), bench.join([place])];
  const held = await bench.ask(background, "m").lease;
  held.offer();
  using answering = await bench.ask(person, "m").lease;
  assert.equal(answering.id, "m");
  const late = held.engine.generate(REQUEST, never)[Symbol.asyncIterator]();
  assert.ok(isPreempted(await failure(late.next().then(() => late.next()))));
  const next = held.resume(quiet, never);
  answering[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  await bench.settle();
  assert.deepEqual([person.status()[0]?.isBusy, person.status()[0]?.queued], [false, 0]);
});

test("a turn that was broken off is kept until its engine is seen free", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place(model)]);
  const first = await bench.ask(member, "m").lease;
  const isFree = Promise.withResolvers<number>();
  const engine = bench.places.engines.get("m");
  assert.ok(engine);
  Object.assign(engine, { settle: () => isFree.promise });
  const stop = new AbortController();
  const { rest } = await begun(first, stop.signal);
  stop.abort();
  await failure(rest);
  first[Symbol.dispose]();
  const second = bench.ask(member, "m");
  await bench.pass(1_000);
  assert.deepEqual([member.status()[0]?.isBusy, member.status()[0]?.queued], [true, 1]);
  isFree.resolve(3);
  (await second.lease)[Symbol.dispose]();
  await bench.settle();
  assert.equal(member.status()[0]?.isBusy, false, "who broke nothing off is waited for by nobody");
});

test("an engine that is never seen free costs the next one a while, and not for ever", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place(model)]);
  const first = await bench.ask(member, "m").lease;
  const engine = bench.places.engines.get("m");
  assert.ok(engine);
  Object.assign(engine, { settle: async () => Promise.reject(new Error("slot 0 still works")) });
  const stop = new AbortController();
  const { rest } = await begun(first, stop.signal);
  stop.abort();
  await failure(rest);
  first[Symbol.dispose]();
  (await bench.ask(member, "m").lease)[Symbol.dispose]();
});

test("an engine that was killed is loaded anew for who waited for it, and then for who had his turn", async (t) => {
  await using bench = poolBench(t);
  const member = bench.join([bench.places.place(model)]);
  const held = await bench.ask(member, "m").lease;
  const waiting = bench.ask(member, "m");
  bench.places.engines.get("m")?.die("killed");
  await bench.settle();
  held.reportFailure(new TandemError("provider", "The engine was killed", "Run it again"));
  const next = held.resume(quiet, never);
  const order: string[] = [];
  const served = (name: string) => (it: Lease) => {
    order.push(name);
    it[Symbol.dispose]();
  };
  void waiting.lease.then(served("waiting"));
  void next.then(served("resumed"));
  await bench.pass(1_000);
  assert.deepEqual(order, ["waiting", "resumed"]);
  assert.deepEqual(bench.places.log, ["load m GPU-1", "load m GPU-1"]);
});

test("a turn that was ended for somebody who then cancels goes back to who had it", async (t) => {
  await using bench = poolBench(t);
  const place = bench.places.place(model);
  const [background, person] = [bench.join([place], "background"), bench.join([place])];
  const held = await bench.ask(background, "m").lease;
  held.offer();
  const { rest } = await begun(held);
  const stop = new AbortController();
  const asked = bench.ask(person, "m", stop.signal);
  assert.ok(isPreempted(await failure(rest)));
  stop.abort();
  await assert.rejects(asked.lease, { code: "cancelled" });
  using again = await held.resume(quiet, never);
  assert.equal(again.id, "m", "it has its turn back at once");
});

const REQUEST: GenerateRequest = {
  ...{ prompt: { kind: "text", text: "" }, maxTokens: 9, temperature: 0, topP: 1 },
  ...{ repeatPenalty: 1, seed: null, stop: [], shape: null },
};

/** An answer of which the first word is there: what comes next. */
async function begun(lease: Lease, signal = never): Promise<{ readonly rest: Promise<unknown> }> {
  const answer = lease.engine.generate(REQUEST, signal)[Symbol.asyncIterator]();
  await answer.next();
  const rest = answer.next();
  rest.catch(quiet);
  return { rest };
}

async function failure(work: Promise<unknown>): Promise<TandemError> {
  const error = await work.then(
    () => null,
    (it: unknown) => it,
  );
  assert.ok(error instanceof TandemError);
  return error;
}
