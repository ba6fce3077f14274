import assert from "node:assert/strict";
import { test } from "node:test";
import { card, devices, GB, loaded, model, play, type Step, tick, want } from "./scene.ts";

const a = model("a", 10);
const small = model("small", 2);
const done = (request: string) => ({ kind: "done", request }) as const;
const busyCard = (pressure: "moderate" | "high") => devices(card("g0", 12, { pressure }));

/** As llama.cpp has it: weights on a card, and some buffers in main memory. */
const onGpu = model("a", 10, {
  options: [
    {
      ...{ id: "g0", why: "as told" },
      needs: [
        { device: "g0", bytes: 10 * GB },
        { device: "cpu", bytes: GB / 2 },
      ],
    },
  ],
});

const cases: readonly { name: string; steps: readonly Step[] }[] = [
  {
    name: "while a card fills up, a smaller model that is loaded answers",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", small), "load small g0"],
      [5, loaded("small"), "grant r1 small"],
      [6, done("r1")],
      [7, devices(card("g0", 10, { pressure: "moderate" }))],
      [8, want("r2", [a, small]), "grant r2 small"],
      [9, done("r2")],
      [20, devices(card("g0", 3))],
      [21, want("r3", [a, small]), "load a g0"],
    ],
  },
  {
    name: "under moderate pressure a large model is still loaded where nothing smaller is; under high pressure the smaller is",
    steps: [
      [0, devices(card("g0", 1, { pressure: "moderate" }))],
      [0, want("r1", [a, small]), "load a g0"],
      [1, { kind: "load-failed", key: "a", why: "other", message: "" }, "load small g0"],
      [2, loaded("small"), "grant r1 small"],
    ],
  },
  {
    name: "under high pressure the smaller one is loaded",
    steps: [
      [0, devices(card("g0", 4, { pressure: "high" }))],
      [0, want("r1", [a, small]), "load small g0"],
      [1, want("r2", a), "load a g0"],
    ],
  },
  {
    name: "under critical pressure nothing is loaded, and what came waits",
    steps: [
      [0, devices(card("g0", 22, { pressure: "critical" }))],
      [0, want("r1", small)],
      [9, devices(card("g0", 9, { pressure: "high" })), "load small g0"],
    ],
  },
  {
    name: "under critical pressure idle models go at once, and if that is not enough those in use, with time to end",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [0, want("r2", small), "load small g0"],
      [5, loaded("a"), "grant r1 a"],
      [5, loaded("small"), "grant r2 small"],
      [6, done("r2")],
      [7, devices(card("g0", 22.5, { pressure: "critical" })), "unload small"],
      [8, { kind: "unloaded", key: "small" }],
      [9, devices(card("g0", 23, { pressure: "critical" }))],
      [13, devices(card("g0", 23, { pressure: "critical" })), "unload a in 5000"],
    ],
  },
  {
    name: "main memory that ours cannot free: those that are in it give back what they have, those on a GPU stay",
    steps: [
      [0, devices(card("g0", 1), card("cpu", 1))],
      [0, want("r1", onGpu), "load a g0"],
      [0, want("r2", model("b", 2, { on: ["cpu"] })), "load b cpu"],
      [5, loaded("a"), "grant r1 a"],
      [5, loaded("b"), "grant r2 b"],
      [6, done("r1")],
      [7, done("r2")],
      [8, devices(card("g0", 11), card("cpu", 23.9, { pressure: "critical" })), "unload b"],
      [9, { kind: "unloaded", key: "b" }],
      [15, devices(card("g0", 11), card("cpu", 23.9, { pressure: "critical" }))],
      [60, devices(card("g0", 11), card("cpu", 23.9, { pressure: "critical" }))],
      [61, devices(card("g0", 22, { pressure: "critical" }), card("cpu", 23.9, { pressure: "critical" })), "unload a"],
    ],
  },
  {
    name: "critical by its share, and its reserve not touched: nothing has to go",
    steps: [
      [0, devices(card("g0", 1, { totalBytes: 80 * GB }))],
      [0, want("r1", model("a", 73)), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [11, devices(card("g0", 74, { totalBytes: 80 * GB, pressure: "critical" }))],
      [12, want("r2", small), "load small g0"],
    ],
  },
  {
    name: "an idle model goes in two steps, sooner on a card that is full",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [10, done("r1")],
      [69, tick],
      [70, tick, "trim a"],
      [71, tick],
      [129, busyCard("moderate")],
      [130, tick, "unload a"],
    ],
  },
  {
    name: "on a card that is nearly full after 30 s, and after 300 s where there is no need",
    steps: [
      [0, devices(card("g0", 1), card("g1", 1))],
      [0, want("r1", a), "load a g0"],
      [0, want("r2", model("b", 5, { on: ["g1"] })), "load b g1"],
      [5, loaded("a"), "grant r1 a"],
      [5, loaded("b"), "grant r2 b"],
      [10, done("r1")],
      [10, done("r2")],
      [12, devices(card("g0", 11, { pressure: "high" }), card("g1", 6))],
      [39, tick],
      [40, tick, "unload a"],
      [309, tick, "trim b"],
      [310, tick, "unload b"],
    ],
  },
  {
    name: "a card that is hot gets nothing new while another can have it",
    steps: [
      [0, devices(card("g0", 1, { thermal: "hot" }), card("g1", 1))],
      [0, want("r1", model("a", 10, { on: ["g0", "g1"] })), "load a g1"],
    ],
  },
  {
    name: "where there is no other, it is loaded on the hot card when it has waited long",
    steps: [
      [0, devices(card("g0", 1, { thermal: "hot" }))],
      [0, want("r1", a)],
      [29, tick],
      [30, tick, "load a g0"],
      [35, loaded("a"), "grant r1 a"],
      [36, want("b1", a, "background")],
      [37, done("r1")],
      [38, devices(card("g0", 11, { thermal: "warm" })), "grant b1 a"],
    ],
  },
  {
    name: "a card that is far too hot keeps one model, and that gets no new work",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [0, want("r2", small), "load small g0"],
      [5, loaded("a"), "grant r1 a"],
      [5, loaded("small"), "grant r2 small"],
      [6, done("r2")],
      [7, devices(card("g0", 13, { thermal: "critical" })), "unload small"],
      [8, done("r1")],
      [9, want("r3", a)],
      [20, devices(card("g0", 11, { thermal: "hot" })), "grant r3 a"],
    ],
  },
  {
    name: "a model that is wanted leaves a card that is far too hot for a cooler one",
    steps: [
      [0, devices(card("g0", 1), card("g1", 1))],
      [0, want("r1", model("a", 10, { on: ["g0", "g1"] })), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [6, done("r1")],
      [12, devices(card("g0", 11, { thermal: "critical" }), card("g1", 1))],
      [13, want("r2", model("a", 10, { on: ["g0", "g1"] })), "unload a"],
      [14, { kind: "unloaded", key: "a" }, "load a g1"],
    ],
  },
  {
    name: "an embedder goes to the processor rather than have a writer unloaded; a writer waits for its card",
    steps: [
      [0, devices(card("g0", 11), card("cpu", 4))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [16, done("r1")],
      [17, want("e1", model("e", 2, { kind: "embedder", on: ["g0", "cpu"] })), "load e cpu"],
      [18, want("r2", a), "grant r2 a"],
      [19, want("r3", model("w", 2, { on: ["g0", "cpu"] }))],
    ],
  },
  {
    name: "a writer that its card cannot have for others' sake runs on the processor",
    steps: [
      [0, devices(card("g0", 20), card("cpu", 4))],
      [0, want("r1", model("w", 2, { on: ["g0", "cpu"] })), "load w cpu"],
    ],
  },
];

for (const { name, steps } of cases)
  test(name, () => {
    assert.deepEqual(
      play(steps).got,
      steps.map(([, , ...effects]) => effects),
    );
  });
