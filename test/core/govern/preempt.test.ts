import assert from "node:assert/strict";
import { test } from "node:test";
import type { GovernEvent } from "../../../server/core/govern/event.ts";
import { card, devices, loaded, model, play, type Step, want } from "./scene.ts";

const a = model("a", 6);
const b = model("b", 6);
const elsewhere = model("c", 6, { on: ["g1"] });
const server = model("s", 0, { options: [{ id: "attached", needs: [], why: "" }] });
const processor = model("p", 0, {
  options: [{ id: "cpu", needs: [{ device: "cpu", bytes: 2 ** 30 }], why: "" }],
});
const done = (request: string) => ({ kind: "done", request }) as const;
const offer = (request: string) => ({ kind: "offer", request }) as const;
const again = (request: string, of: typeof a, priority: "task" | "background", preempted: number) =>
  ({ ...want(request, of, priority), preempted }) as Extract<GovernEvent, { kind: "want" }>;

/** One card, and `a` with so many slots. */
const ready = (slots = 1): Step[] => [
  [0, devices(card("g0", 1), card("g1", 1))],
  [0, want("r0", a), "load a g0"],
  [5, loaded("a", slots), "grant r0 a"],
  [6, done("r0")],
];

/** The same, and `b` beside it. */
const both: Step[] = [...ready(2), [7, want("r1", b), "load b g0"], [8, loaded("b", 3), "grant r1 b"], [9, done("r1")]];

const cases: readonly { name: string; steps: readonly Step[]; rules?: Parameters<typeof play>[1] }[] = [
  {
    name: "a person takes the turn of a task that offered it, and the task goes on before later ones",
    steps: [
      ...ready(),
      [10, want("t1", a, "task"), "grant t1 a"],
      [10, offer("t1")],
      [11, want("t2", a, "task")],
      [12, want("i1", a), "preempt t1"],
      [12, again("t1+1", a, "task", 1)],
      [12, done("t1"), "grant i1 a"],
      [15, done("i1"), "grant t1+1 a"],
      [16, done("t1+1"), "grant t2 a"],
    ],
  },
  {
    name: "a turn that was not offered is waited for, until it is",
    steps: [
      ...ready(),
      [10, want("t1", a, "task"), "grant t1 a"],
      [12, want("i1", a)],
      [13, offer("t1"), "preempt t1"],
    ],
  },
  {
    name: "nobody takes the turn of an equal, or of somebody more urgent",
    steps: [
      ...ready(),
      [10, want("i1", a), "grant i1 a"],
      [10, offer("i1")],
      [11, want("i2", a)],
      [11, want("t1", a, "task")],
      [11, want("b1", a, "background")],
      [12, done("i1"), "grant i2 a"],
      [13, done("i2"), "grant t1 a"],
      [13, offer("t1")],
      [14, want("t2", a, "task")],
    ],
  },
  {
    name: "one turn ends for each that waits, the least urgent first and of equals the last",
    steps: [
      ...ready(3),
      [10, want("b1", a, "background"), "grant b1 a"],
      [10, offer("b1")],
      [11, want("t1", a, "task"), "grant t1 a"],
      [11, offer("t1")],
      [12, want("t2", a, "task"), "grant t2 a"],
      [12, offer("t2")],
      [13, want("i1", a), "preempt b1"],
      [13, want("i2", a), "preempt t2"],
      [13, want("i3", a), "preempt t1"],
      [13, want("i4", a)],
      [14, done("t2"), "grant i1 a"],
      [14, done("t1"), "grant i2 a"],
      [14, done("b1"), "grant i3 a"],
    ],
  },
  {
    name: "where a slot is free no turn ends",
    steps: [
      ...ready(2),
      [10, want("t1", a, "task"), "grant t1 a"],
      [10, offer("t1")],
      [11, want("i1", a), "grant i1 a"],
    ],
  },
  {
    name: "work that was ended three times keeps its next turn",
    steps: [
      ...ready(),
      [10, again("t1+3", a, "task", 3), "grant t1+3 a"],
      [10, offer("t1+3")],
      [11, want("i1", a)],
      [12, done("t1+3"), "grant i1 a"],
    ],
  },
  {
    name: "who got his turn because he had waited too long keeps it",
    steps: [
      ...ready(),
      [10, want("i1", a), "grant i1 a"],
      [10, want("t1", a, "task")],
      [45, done("i1"), "grant t1 a"],
      [45, offer("t1")],
      [46, want("i2", a)],
    ],
  },
  {
    name: "background work ends where a person is answered on the same card, and goes on when that is over",
    steps: [
      ...both,
      [10, want("b1", b, "background"), "grant b1 b"],
      [10, offer("b1")],
      [11, want("i1", a), "grant i1 a", "preempt b1"],
      [11, again("b1+1", b, "background", 1)],
      [11, done("b1")],
      [12, want("t1", b, "task"), "grant t1 b"],
      [13, done("i1"), "grant b1+1 b"],
    ],
  },
  {
    name: "on another card, on a server and beside tasks it goes on",
    steps: [
      ...both,
      [9, want("c1", elsewhere, "background"), "load c g1"],
      [9, want("s1", server, "background"), "load s attached"],
      [10, loaded("c"), "grant c1 c"],
      [10, offer("c1")],
      [10, loaded("s"), "grant s1 s"],
      [10, offer("s1")],
      [11, want("i1", a), "grant i1 a"],
      [12, done("i1")],
      [13, want("b1", b, "background"), "grant b1 b"],
      [13, offer("b1")],
      [14, want("t1", a, "task"), "grant t1 a"],
    ],
  },
  {
    name: "what is on the processor does not share a device with what only keeps buffers in main memory",
    steps: [
      [0, devices(card("g0", 1), card("cpu", 1))],
      [
        0,
        want("r0", model("w", 6, { options: [{ id: "g0", needs: bytes(["g0", 6], ["cpu", 0.5]), why: "" }] })),
        "load w g0",
      ],
      [1, want("b1", processor, "background"), "load p cpu"],
      [5, loaded("w"), "grant r0 w"],
      [6, loaded("p"), "grant b1 p"],
    ],
  },
  {
    name: "background work that holds the memory somebody waits for gives way, and waits for memory itself",
    steps: [
      ...ready(),
      [20, want("b1", a, "background"), "grant b1 a"],
      [20, offer("b1")],
      [21, want("b2", a, "background")],
      [22, want("i1", model("big", 18)), "preempt b1"],
      [22, again("b1+1", a, "background", 1)],
      [22, done("b1"), "unload a"],
      [23, { kind: "unloaded", key: "a" }],
      [24, devices(card("g0", 1), card("g1", 1)), "load big g0"],
    ],
  },
  {
    name: "neither what a program uses besides, nor what cannot go on later",
    steps: [
      ...ready(3),
      [20, want("b1", a, "background"), "grant b1 a"],
      [20, offer("b1")],
      [20, want("t1", a, "task"), "grant t1 a"],
      [22, want("i1", model("big", 18))],
      [23, done("t1"), "preempt b1"],
      [24, done("b1"), "unload a"],
      [25, { kind: "unloaded", key: "a" }],
      [25, devices(card("g0", 1), card("g1", 1)), "load big g0"],
      [26, done("i1")],
    ],
  },
  {
    name: "what only waits in the background is no reason to stay",
    steps: [
      ...ready(),
      [20, want("i1", b), "load b g0"],
      [21, want("r2", a), "grant r2 a"],
      [22, loaded("b"), "grant i1 b"],
      [23, done("r2")],
      [23, want("b1", a, "background")],
      [24, want("i2", model("big", 14)), "unload a"],
    ],
  },
  {
    name: "a pre-empted request is not refused because many wait",
    rules: { mostWaiting: 1 },
    steps: [
      ...ready(),
      [10, want("t1", a, "task"), "grant t1 a"],
      [10, offer("t1")],
      [12, want("i1", a), "preempt t1"],
      [12, again("t1+1", a, "task", 1)],
      [12, done("t1"), "grant i1 a"],
      [13, want("t2", a, "task"), "refuse t2 too-many"],
      [14, done("i1"), "grant t1+1 a"],
    ],
  },
];

function bytes(...needs: readonly (readonly [string, number])[]) {
  return needs.map(([device, gigabytes]) => ({ device, bytes: gigabytes * 2 ** 30 }));
}

for (const { name, steps, rules } of cases)
  test(name, () => {
    assert.deepEqual(
      play(steps, rules).got,
      steps.map(([, , ...effects]) => effects),
    );
  });

test("whoever waits hears its place anew when somebody more urgent comes, or leaves", () => {
  const { effects } = play([
    ...ready(),
    [10, want("i0", a), "grant i0 a"],
    [11, want("b1", a, "background")],
    [12, want("t1", a, "task")],
    [13, want("i1", a)],
    [14, done("t1")],
  ]);
  const places = effects.flatMap((it) => (it.kind === "wait" ? [`${it.request} ${it.position}`] : []));
  assert.deepEqual(places.slice(1), ["b1 1", "t1 1", "b1 2", "i1 1", "t1 2", "b1 3", "b1 2"]);
});

test("who is held back hears for whom, and on what", () => {
  const { effects } = play([...both, [10, want("i1", a)], [11, want("b1", b, "background")]]);
  const [wait] = effects.filter((it) => it.kind === "wait" && it.request === "b1");
  assert.equal(wait?.kind === "wait" && wait.why, "A answers somebody on card g0 first");
});
