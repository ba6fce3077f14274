import assert from "node:assert/strict";
import { test } from "node:test";
import { card, devices, loaded, model, play, type Step, tick, want } from "./scene.ts";

const a = model("a", 10);
const b = model("b", 10);
const c = model("c", 10);
const gone = (key: string) => ({ kind: "unloaded", key }) as const;
const done = (request: string) => ({ kind: "done", request }) as const;
const dark = card("g0", 16, { health: "broken" });
const unread = card("g0", 0, { usedBytes: null, health: "broken", isUnread: true });

/** What is decided where nobody tells what is used, not yet, not for now, or never. */
const cases: readonly { name: string; steps: readonly Step[] }[] = [
  {
    name: "a driver that is broken for good does not keep out what fits alone, and what fits beside another waits for more room",
    steps: [
      [0, devices(card("g0", 0, { usedBytes: null, health: "broken" }))],
      [0, want("ra", model("a", 20)), "load a g0"],
      [5, loaded("a"), "grant ra a"],
      [20, done("ra")],
      [21, want("rb", model("b", 1)), "unload a"],
    ],
  },
  {
    name: "where nobody tells what is used, memory is free when the process has gone",
    steps: [
      [0, devices(card("g0", 0, { usedBytes: null }))],
      [0, want("ra", a), "load a g0"],
      [0, want("rb", b), "load b g0"],
      [5, loaded("a"), "grant ra a"],
      [5, loaded("b"), "grant rb b"],
      [19, done("ra")],
      [20, done("rb")],
      [21, want("rc", c), "unload a"],
      [22, gone("a"), "load c g0"],
    ],
  },
  {
    name: "while readings are missing, what others held is kept in mind, and a tenth stays free besides",
    steps: [
      [0, devices(card("g0", 8))],
      [1, devices(card("g0", 8, { health: "stale", pressure: "critical" }))],
      [2, want("r1", model("a", 10.7))],
      [3, want("r2", model("b", 10.5)), "load b g0"],
    ],
  },
  {
    name: "a card that nobody has read yet is waited for, and after a while loaded on without a reading",
    steps: [
      [0, devices(card("cpu", 4))],
      [1, want("r1", a)],
      [5.9, tick],
      [6, tick, "load a g0"],
    ],
  },
  {
    name: "what others held when it was last read keeps a model out for five minutes and not for ever",
    steps: [
      [0, devices(card("g0", 16))],
      [1, want("ra", model("a", 10))],
      [10, devices(dark)],
      [299, devices(dark)],
      [300, devices(dark), "load a g0"],
      [305, loaded("a"), "grant ra a"],
      [306, want("rb", model("b", 10))],
    ],
  },
  {
    name: "a reading in between counts anew",
    steps: [
      [0, devices(card("g0", 16))],
      [1, want("ra", model("a", 10))],
      [10, devices(dark)],
      [299, devices(card("g0", 16))],
      [300, devices(dark)],
      [598, devices(dark)],
      [599, devices(dark), "load a g0"],
    ],
  },
  {
    name: "one whose size is known is no larger for not being read: a second model waits for room on it",
    steps: [
      [0, devices(unread)],
      [1, want("ra", model("a", 15))],
      [6, tick, "load a g0"],
      [8, loaded("a"), "grant ra a"],
      [9, want("rb", model("b", 5))],
      [15, tick],
      [16, done("ra")],
      [19, tick, "unload a"],
      [20, gone("a")],
      [25.1, tick, "load b g0"],
    ],
  },
  {
    name: "what a first reading shows beside a model that was loaded without one is others'",
    steps: [
      [0, devices(unread)],
      [1, want("ra", model("a", 10))],
      [6, tick, "load a g0"],
      [7, devices(card("g0", 20))],
      [8, loaded("a"), "grant ra a"],
      [9, want("rb", model("b", 1))],
      [10, devices(card("g0", 10)), "load b g0"],
    ],
  },
];

for (const it of cases)
  test(it.name, () => {
    assert.deepEqual(
      play(it.steps).got,
      it.steps.map(([, , ...effects]) => effects),
    );
  });
