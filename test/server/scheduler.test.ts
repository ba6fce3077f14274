import assert from "node:assert/strict";
import { test } from "node:test";
import { GB } from "../fakes/card.ts";
import { poolBench } from "./enginePool.ts";

const model = { id: "m", bytes: GB };

test("a client that left while its engines were being placed has none, and keeps none from being closed", async (t) => {
  await using bench = poolBench(t);
  const [gone, there] = [bench.join([]), bench.join([])];
  gone[Symbol.dispose]();
  gone.configure([bench.places.place(model)]);
  gone.add(bench.places.place(model));
  assert.deepEqual(there.status(), []);
});

test("an engine whose client has left stays for five minutes of idleness; who takes it over keeps it", async (t) => {
  await using bench = poolBench(t);
  const [gone, watching] = [bench.join([bench.places.place(model)]), bench.join([])];
  gone.add({ ...bench.places.place(model), config: { ...bench.places.place(model).config, id: "again" } });
  (await bench.ask(gone, "m").lease)[Symbol.dispose]();
  gone[Symbol.dispose]();
  await bench.pass(200_000);
  const next = bench.join([bench.places.place(model)]);
  assert.deepEqual(
    next.status().map((it) => [it.state, it.users]),
    [["ready", 1]],
  );
  (await bench.ask(next, "m").lease)[Symbol.dispose]();
  next[Symbol.dispose]();
  await bench.pass(200_000);
  assert.equal(watching.status().length, 1);
  await bench.pass(110_000);
  assert.deepEqual(watching.status(), []);
});

test("what was loaded when the last orchestrator died is loaded again before anybody asks, once", async (t) => {
  const asked: string[] = [];
  await using bench = poolBench(t, { wasResident: (key) => asked.push(key) === 1 });
  bench.join([bench.places.place(model)]);
  await bench.settle();
  assert.deepEqual(bench.residents(), ["m"]);
});

test("what is pinned before it is loaded stays pinned when the client that said so has left", async (t) => {
  await using bench = poolBench(t);
  const told = bench.join([bench.places.place(model)]);
  told.user.pin("m");
  told[Symbol.dispose]();
  const next = bench.join([bench.places.place(model)]);
  (await bench.ask(next, "m").lease)[Symbol.dispose]();
  await bench.pass(400_000);
  assert.deepEqual(
    next.status().map((it) => [it.state, it.isPinned]),
    [["ready", true]],
  );
  next.user.unpin("m");
  next[Symbol.dispose]();
  await bench.pass(2_000);
  assert.deepEqual(bench.join([]).status(), []);
});
