import assert from "node:assert/strict";
import { test } from "node:test";
import { card, devices, GB, loaded, model, play, type Step, tick, want } from "./scene.ts";

const a = model("a", 10);
const b = model("b", 10);
const c = model("c", 10);
const gone = (key: string) => ({ kind: "unloaded", key }) as const;
const done = (request: string) => ({ kind: "done", request }) as const;
const noMemory = (key: string) => ({ kind: "load-failed", key, why: "no-memory", message: "too little" }) as const;
const broken = (key: string) => ({ kind: "load-failed", key, why: "other", message: "it is no model" }) as const;

/** a and b are loaded since second 5 and idle since second 20. */
const twoIdle: readonly Step[] = [
  [0, devices(card("g0", 1))],
  [0, want("ra", a), "load a g0"],
  [0, want("rb", b), "load b g0"],
  [5, loaded("a"), "grant ra a"],
  [5, loaded("b"), "grant rb b"],
  [11, devices(card("g0", 21, { pressure: "high" }))],
  [19, done("ra")],
  [20, done("rb")],
];

const cases: readonly { name: string; steps: readonly Step[] }[] = [
  {
    name: "the one idle for longest leaves, and the next is loaded when its memory is shown as free",
    steps: [
      ...twoIdle,
      [21, want("rc", c), "unload a"],
      [22, gone("a")],
      [23, devices(card("g0", 21, { pressure: "high" }))],
      [24, devices(card("g0", 11, { pressure: "high" })), "load c g0"],
    ],
  },
  {
    name: "the one that takes long to load stays, though it is idle for longer",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("ra", model("a", 10, { loadMs: 60_000 })), "load a g0"],
      [0, want("rb", b), "load b g0"],
      [5, { kind: "loaded", key: "a", held: null, slots: 1, tookMs: 60_000 }, "grant ra a"],
      [5, loaded("b"), "grant rb b"],
      [19, done("ra")],
      [20, done("rb")],
      [22, want("rc", c), "unload b"],
    ],
  },
  {
    name: "one large idle model leaves rather than two small ones that are dearer together",
    steps: [
      [0, devices(card("g0", 0))],
      [0, want("r1", model("large", 10)), "load large g0"],
      [0, want("r2", model("s1", 5)), "load s1 g0"],
      [0, want("r3", model("s2", 5)), "load s2 g0"],
      [5, loaded("large"), "grant r1 large"],
      [5, loaded("s1"), "grant r2 s1"],
      [5, loaded("s2"), "grant r3 s2"],
      [10, done("r1")],
      [10, done("r2")],
      [10, done("r3")],
      [20, want("r4", model("m", 9)), "unload large"],
    ],
  },
  {
    name: "a pinned model is never unloaded for another, and never for being idle",
    steps: [
      ...twoIdle,
      [20, { kind: "pin", key: "a" }],
      [21, want("rc", c), "unload b"],
      [22, gone("b")],
      [23, devices(card("g0", 11)), "load c g0"],
      [28, loaded("c"), "grant rc c"],
      [900, devices(card("g0", 21, { pressure: "high" })), "trim a"],
      [901, { kind: "unpin", key: "a" }, "unload a"],
    ],
  },
  {
    name: "a model just loaded is not unloaded for another at once",
    steps: [
      [0, devices(card("g0", 11))],
      [0, want("ra", a), "load a g0"],
      [5, loaded("a"), "grant ra a"],
      [6, done("ra")],
      [7, want("rc", c)],
      [14, tick],
      [15, tick, "unload a"],
    ],
  },
  {
    name: "who has waited too long has a model in use leave when it has answered, and nobody else is let in before",
    steps: [
      [0, devices(card("g0", 11))],
      [0, want("ra", a), "load a g0"],
      [5, loaded("a"), "grant ra a"],
      [6, want("rc", c)],
      [7, want("ra2", a)],
      [20, done("ra"), "grant ra2 a"],
      [36, tick],
      [37, want("ra3", a)],
      [50, done("ra2"), "unload a"],
      [51, gone("a")],
      [52, devices(card("g0", 11)), "load c g0"],
    ],
  },
  {
    name: "one that drains goes on when who waited for it gives up",
    steps: [
      [0, devices(card("g0", 11))],
      [0, want("ra", a), "load a g0"],
      [5, loaded("a"), "grant ra a"],
      [6, want("rc", c)],
      [36, tick],
      [37, want("ra2", a)],
      [38, done("rc")],
      [39, done("ra"), "grant ra2 a"],
    ],
  },
  {
    name: "a model still being loaded holds its memory, though the driver shows none yet",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("ra", model("a", 12)), "load a g0"],
      [1, devices(card("g0", 1))],
      [1, want("rb", model("b", 12))],
    ],
  },
  {
    name: "what is used beyond ours is somebody else's",
    steps: [
      [0, devices(card("g0", 12))],
      [0, want("ra", a)],
      [5, devices(card("g0", 11)), "load a g0"],
    ],
  },
  {
    name: "memory that stays taken after an unload counts as free no sooner than it is",
    steps: [
      ...twoIdle,
      [21, want("rc", c), "unload a"],
      [22, gone("a")],
      [23, devices(card("g0", 21, { pressure: "high" }))],
      [27, devices(card("g0", 21, { pressure: "high" })), "unload b"],
      [28, gone("b")],
      [29, devices(card("g0", 11)), "load c g0"],
    ],
  },
  {
    name: "without readings the ledger alone decides",
    steps: [
      [0, devices(card("g0", 0, { usedBytes: null }))],
      [0, want("ra", a), "load a g0"],
      [0, want("rb", b), "load b g0"],
      [0, want("rc", c)],
    ],
  },
  {
    name: "what a reading showed of a model that went is not counted for the one of its name on another card",
    steps: [
      [0, devices(card("g0", 1), card("g1", 1))],
      [0, want("r1", a), "load a g0"],
      [5, loaded("a"), "grant r1 a"],
      [6, devices(card("g0", 11, { held: new Map([["a", 10 * GB]]) }), card("g1", 1))],
      [7, gone("a")],
      [8, want("r2", model("a", 10, { on: ["g1"] })), "load a g1"],
      [9, want("r3", b), "load b g0"],
    ],
  },
  {
    name: "of two cards the one with room is taken",
    steps: [
      [0, devices(card("g0", 15), card("g1", 1))],
      [1, want("r1", model("a", 10, { on: ["g0", "g1"] })), "load a g1"],
    ],
  },
  {
    name: "a card that has fallen off the bus is not loaded on",
    steps: [
      [0, devices(card("g0", 1), card("g1", 1))],
      [1, devices(card("g1", 1))],
      [2, want("r1", model("a", 10, { on: ["g0", "g1"] })), "load a g1"],
    ],
  },
  {
    name: "a load that finds no memory is tried once more when memory was read again, and refused then",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [2, noMemory("a")],
      [3, devices(card("g0", 1)), "load a g0"],
      [5, noMemory("a"), "refuse r1 no-memory"],
    ],
  },
  {
    name: "after it the next card is tried, if it has more room",
    steps: [
      [0, devices(card("g0", 1.5), card("g1", 0))],
      [0, want("r1", model("a", 19, { on: ["g0", "g1"] })), "load a g0"],
      [2, noMemory("a")],
      [8, devices(card("g0", 1.5), card("g1", 0)), "load a g1"],
    ],
  },
  {
    name: "then a smaller model answers",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", [a, model("small", 2)]), "load a g0"],
      [2, noMemory("a")],
      [3, devices(card("g0", 1)), "load a g0"],
      [5, noMemory("a"), "load small g0"],
      [7, loaded("small"), "grant r1 small"],
    ],
  },
  {
    name: "a load that fails for another reason is not repeated for those that waited, and is for the next",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", a), "load a g0"],
      [2, broken("a"), "refuse r1 load-failed"],
      [2, want("r2", a), "load a g0"],
      [3, broken("a"), "refuse r2 load-failed"],
      [3, devices(card("g0", 1))],
      [3, want("r3", a), "load a g0"],
      [4, broken("a"), "refuse r3 load-failed"],
      [4, devices(card("g0", 1))],
      [5, want("r4", a), "refuse r4 load-failed"],
      [9, want("r5", a), "load a g0"],
    ],
  },
  {
    name: "what fits nowhere is refused at once",
    steps: [
      [0, devices(card("g0", 1))],
      [0, want("r1", model("huge", 22)), "refuse r1 no-memory"],
      [0, want("r2", [model("huge", 22), a]), "load a g0"],
    ],
  },
];

for (const { name, steps } of cases)
  test(name, () => {
    const want = steps.map(([, , ...effects]) => effects);
    assert.deepEqual(play(steps).got, want);
  });

test("a model that goes by itself leaves no lease behind, and what it held comes back", () => {
  const crash = { kind: "unloaded", key: "a" } as const;
  const { state, got } = play([
    [0, devices(card("g0", 1))],
    [0, want("r1", a)],
    [5, loaded("a")],
    [6, want("r2", a)],
    [7, crash],
    [8, devices(card("g0", 1))],
    [13, loaded("a")],
    [14, done("r1")],
  ]);
  assert.deepEqual(got.at(-4), ["load a g0"]);
  assert.deepEqual(got.at(-2), ["grant r2 a"]);
  assert.equal(
    state.models.get("a")?.active,
    1,
    "the request of the model that went holds no place on the one that came",
  );
});

test("what a load took in fact is what the next is reckoned with", () => {
  const { got } = play([
    [0, devices(card("g0", 0))],
    [0, want("r1", a)],
    [5, { kind: "loaded", key: "a", held: [{ device: "g0", bytes: 13 * GB }], slots: 1, tookMs: 5_000 }],
    [6, { kind: "unloaded", key: "a" }],
    [7, done("r1")],
    [12, devices(card("g0", 9))],
    [13, want("r2", a)],
  ]);
  assert.deepEqual(got.at(-1), [], "13 GB do not fit beside 9");
});
