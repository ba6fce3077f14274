import assert from "node:assert/strict";
import { test } from "node:test";
import { card, devices, loaded, model, play, type Step, tick, want } from "./scene.ts";

const a = model("a", 10);
const small = model("small", 2);
const done = (request: string) => ({ kind: "done", request }) as const;

const cases: readonly { name: string; steps: readonly Step[]; rules?: Parameters<typeof play>[1] }[] = [
  {
    name: "interactive work goes before tasks, tasks before background work, and each in the order it came",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("b1", a, "background"), "load a g0"],
      [1, want("t1", a, "task")],
      [2, want("i1", a)],
      [3, want("i2", a)],
      [5, loaded("a"), "grant i1 a"],
      [6, done("i1"), "grant i2 a"],
      [7, done("i2"), "grant t1 a"],
      [8, done("t1"), "grant b1 a"],
    ],
  },
  {
    name: "a task that waited long goes in its turn; background work goes first once after ten times that",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("i1", a), "load a g0"],
      [1, want("t1", a, "task")],
      [1, want("b1", a, "background")],
      [1, want("b2", a, "background")],
      [5, loaded("a"), "grant i1 a"],
      [30, want("i2", a)],
      [32, done("i1"), "grant t1 a"],
      [33, want("i3", a)],
      [299, done("t1"), "grant i2 a"],
      [301, done("i2"), "grant b1 a"],
      [302, done("b1"), "grant i3 a"],
      [303, want("i4", a)],
      [304, done("i3"), "grant i4 a"],
      [335, done("i4"), "grant b2 a"],
    ],
  },
  {
    name: "background work leaves the last place of a model to others",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("b1", a, "background"), "load a g0"],
      [0, want("b2", a, "background")],
      [5, loaded("a", 2), "grant b1 a"],
      [6, want("i1", a), "grant i1 a"],
    ],
  },
  {
    name: "background work does not unload what was used a moment ago",
    steps: [
      [0, devices(card("g0", 11))],
      [0, want("i1", small), "load small g0"],
      [5, loaded("small"), "grant i1 small"],
      [20, done("i1")],
      [21, want("b1", a, "background")],
      [50, tick, "unload small"],
    ],
  },
  {
    name: "more than may wait are refused",
    rules: { mostWaiting: 2 },
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [0, want("r2", a)],
      [0, want("r3", a), "refuse r3 too-many"],
      [5, loaded("a"), "grant r1 a"],
      [6, want("r4", a)],
    ],
  },
  {
    name: "what is to be loaded before anybody asks is, when there is room",
    steps: [
      [0, devices(card("g0", 15))],
      [0, { kind: "preload", model: a }],
      [1, devices(card("g0", 1)), "load a g0"],
      [6, loaded("a")],
      [7, want("r1", a), "grant r1 a"],
    ],
  },
  {
    name: "what the user wants gone answers what it has begun, and goes",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [6, { kind: "release", key: "a" }],
      [7, done("r1"), "unload a"],
    ],
  },
  {
    name: "what the user wants gone goes, also when whom it would have made room for is no longer there",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [6, want("r2", model("b", 14))],
      [40, tick],
      [41, { kind: "release", key: "a" }],
      [42, done("r2")],
      [43, done("r1"), "unload a"],
    ],
  },
  {
    name: "a load that the user wants gone is broken off, and begun anew for who waits for it",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [1, { kind: "release", key: "a" }, "unload a"],
      [2, loaded("a")],
      [3, { kind: "unloaded", key: "a" }, "load a g0"],
    ],
  },
  {
    name: "what no settings name goes when it is idle, and stays when it is wanted again before",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [6, { kind: "retire", key: "a" }],
      [7, want("r2", a)],
      [8, done("r1"), "grant r2 a"],
      [9, done("r2")],
      [10, { kind: "retire", key: "a" }, "unload a"],
    ],
  },
  {
    name: "a server that is there already takes no memory, and is not unloaded for being idle",
    steps: [
      [0, devices(card("g0", 23))],
      [
        0,
        want("r1", model("server", 0, { options: [{ id: "attached", needs: [], why: "" }] })),
        "load server attached",
      ],
      [1, loaded("server", 4), "grant r1 server"],
      [2, done("r1")],
      [999, tick],
    ],
  },
];

for (const { name, steps, rules } of cases)
  test(name, () => {
    assert.deepEqual(
      play(steps, rules).got,
      steps.map(([, , ...effects]) => effects),
    );
  });

test("who waits hears its place and what for, in words and numbers, and hears it again when it changes", () => {
  const { effects } = play([
    [0, devices(card("g0", 7))],
    [0, want("r1", model("a", 10))],
    [1, { kind: "loaded", key: "a", held: null, slots: 1, tookMs: 1 }],
    [2, want("r2", model("b", 9.2))],
    [3, want("r3", model("b", 9.2))],
    [4, tick],
    [5, done("r2")],
  ]);
  const waits = effects.filter((it) => it.kind === "wait").map((it) => `${it.request} ${it.position} ${it.why}`);
  const why = "B waits for 5.2 GB on card g0: held by A (busy), other programs (7.0 GB)";
  assert.deepEqual(waits, ["r1 1 A is being loaded on card g0", `r2 1 ${why}`, `r3 2 ${why}`, `r3 1 ${why}`]);
});
