import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BREAKER_RULES,
  type Breaker,
  type BreakerEvent,
  breakerAfter,
  breakerView,
  CLOSED_BREAKER,
  refusedForMs,
} from "../../server/core/breaker.ts";
import { randomFrom } from "./govern/randomTrace.ts";

type Heard = "ok" | "bad" | "none" | "reset" | "in";

/** At which second, what happens, and how it then stands. A request is let through (`in`) before it ends; epochs are those of its way in. */
type Row = readonly [atSeconds: number, heard: Heard, state: string];

const cases: readonly { name: string; rows: readonly Row[] }[] = [
  {
    name: "five failures in a row open it for five seconds; then one request tries, and closes it",
    rows: [
      ...Array.from({ length: 4 }, (_, nth): Row => [nth, "bad", "closed"]),
      [4, "bad", "open 5"],
      [8, "in", "open 1"],
      [9, "in", "half-open 5"],
      [9.5, "ok", "closed"],
    ],
  },
  {
    name: "a success between failures begins the row anew",
    rows: [
      ...Array.from({ length: 4 }, (_, nth): Row => [nth, "bad", "closed"]),
      [4, "ok", "closed"],
      ...Array.from({ length: 4 }, (_, nth): Row => [5 + nth, "bad", "closed"]),
    ],
  },
  {
    name: "half of the requests of a minute that failed open it, where there were ten",
    rows: [
      ...Array.from({ length: 4 }, (_, nth): readonly Row[] => [
        [nth, "ok", "closed"],
        [nth, "bad", "closed"],
      ]).flat(),
      [5, "ok", "closed"],
      [6, "bad", "open 5"],
    ],
  },
  {
    name: "what is older than a minute counts no more",
    rows: [
      ...Array.from({ length: 4 }, (_, nth): readonly Row[] => [
        [nth, "ok", "closed"],
        [nth, "bad", "closed"],
      ]).flat(),
      [5, "ok", "closed"],
      [70, "bad", "closed"],
    ],
  },
  {
    name: "each try that fails doubles the time, up to a minute; a success forgets it",
    rows: [
      ...opened(0),
      ...[5, 10, 20, 40, 60, 60].flatMap((_, nth, all): Row[] => {
        const atSeconds = all.slice(0, nth + 1).reduce((sum, it) => sum + it, 0);
        const next = all[nth + 1] ?? 60;
        return [
          [atSeconds, "in", "half-open 5"],
          [atSeconds, "bad", `open ${next}`],
        ];
      }),
      [255, "in", "half-open 5"],
      [255, "ok", "closed"],
      ...opened(260),
    ],
  },
  {
    name: "a try that says nothing leaves it to the next request",
    rows: [
      ...opened(0),
      [5, "in", "half-open 5"],
      [6, "none", "half-open"],
      [7, "in", "half-open 5"],
      [8, "ok", "closed"],
    ],
  },
  {
    name: "a try of which nothing is heard is taken for lost",
    rows: [...opened(0), [5, "in", "half-open 5"], [304, "in", "half-open 5"], [305, "in", "half-open 5"]],
  },
  {
    name: "by hand it is closed at once",
    rows: [...opened(0), [1, "reset", "closed"]],
  },
];

/** Five failures at once. */
function opened(atSeconds: number): Row[] {
  return Array.from({ length: 5 }, (_, nth): Row => [atSeconds, "bad", nth === 4 ? "open 5" : "closed"]);
}

for (const { name, rows } of cases)
  test(name, () => {
    let breaker = CLOSED_BREAKER;
    for (const [nth, [atSeconds, heard, state]] of rows.entries()) {
      const atMs = atSeconds * 1_000;
      breaker = breakerAfter(breaker, eventOf(heard, breaker.epoch, atMs));
      assert.equal(stateOf(breaker, atMs), state, `row ${nth}`);
    }
  });

function eventOf(heard: Heard, epoch: number, atMs: number): BreakerEvent {
  switch (heard) {
    case "in":
      return { kind: "entered", atMs };
    case "reset":
      return { kind: "reset", atMs };
    case "ok":
      return { kind: "succeeded", epoch, atMs };
    case "none":
      return { kind: "undecided", epoch, atMs };
    case "bad":
      return { kind: "failed", epoch, atMs, why: "it hung up" };
  }
}

function stateOf(breaker: Breaker, atMs: number): string {
  const refusedMs = refusedForMs(breaker, atMs);
  return refusedMs === null ? breaker.state : `${breaker.state} ${refusedMs / 1_000}`;
}

test("requests that were let through before it opened say nothing of how it is since", () => {
  let breaker = CLOSED_BREAKER;
  for (let nth = 0; nth < 5; nth++)
    breaker = breakerAfter(breaker, { kind: "failed", epoch: 0, atMs: nth, why: "broken" });
  const late = [
    { kind: "succeeded", epoch: 0, atMs: 10 },
    { kind: "failed", epoch: 0, atMs: 10, why: "late" },
    { kind: "undecided", epoch: 0, atMs: 10 },
  ] as const;
  for (const it of late) assert.deepEqual(breakerAfter(breaker, it), breaker);
});

test("people are told when it is tried again, and why it does not work", () => {
  const open = opened(0).reduce((it, [, heard]) => breakerAfter(it, eventOf(heard, it.epoch, 0)), CLOSED_BREAKER);
  assert.deepEqual(breakerView(CLOSED_BREAKER, 0), { state: "closed", retryInMs: null, why: null });
  assert.deepEqual(breakerView(open, 2_000), { state: "open", retryInMs: 3_000, why: "it hung up" });
  assert.deepEqual(breakerView(open, 5_000), { state: "half-open", retryInMs: null, why: "it hung up" });
});

/** One that works as it should, or with a fault that the properties must find. */
type Reducer = (breaker: Breaker, event: BreakerEvent) => Breaker;

const planted: readonly { name: string; reducer: Reducer }[] = [
  {
    name: "it lets everybody try",
    reducer: (it, event) =>
      event.kind === "entered" ? { ...breakerAfter(it, event), triedMs: null } : breakerAfter(it, event),
  },
  {
    name: "it never opens",
    reducer: (it, event) => (event.kind === "failed" ? it : breakerAfter(it, event)),
  },
  {
    name: "it stays open for ever",
    reducer: (it, event) => {
      const next = breakerAfter(it, event);
      return next.state === "open" ? { ...next, untilMs: Number.POSITIVE_INFINITY } : next;
    },
  },
  {
    name: "cancelling counts as a failure",
    reducer: (it, event) =>
      breakerAfter(it, event.kind === "undecided" ? { ...event, kind: "failed", why: "cancelled" } : event),
  },
  {
    name: "late failures keep it open",
    reducer: (it, event) => breakerAfter(it, "epoch" in event ? { ...event, epoch: it.epoch } : event),
  },
  {
    name: "a success leaves it half-open",
    reducer: (it, event) =>
      event.kind === "succeeded" && it.state === "half-open" ? { ...it, triedMs: null } : breakerAfter(it, event),
  },
];

test("whatever happens, at most one tries, it opens after five, only failures open it, and it always lets in again", () => {
  for (let seed = 1; seed <= 200; seed++) live(seed, breakerAfter);
});

for (const { name, reducer } of planted)
  test(`the properties find it where ${name}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= 200; seed++) live(seed, reducer);
    }, assert.AssertionError);
  });

/** A random life; a model of its own counts what must hold. */
function live(seed: number, reducer: Reducer): void {
  const random = randomFrom(seed);
  const inside: { epoch: number; isTry: boolean }[] = [];
  let breaker = CLOSED_BREAKER;
  let [atMs, inRow, tries] = [0, 0, 0];
  for (let step = 0; step < 200; step++) {
    atMs += Math.floor(random() * (random() < 0.1 ? 20_000 : 500));
    const before = breaker;
    const refusedMs = refusedForMs(breaker, atMs);
    if (random() < 0.5) {
      assert.ok(refusedMs === null || refusedMs <= BREAKER_RULES.longestOpenMs, "nobody is sent away for ever");
      if (refusedMs !== null) continue;
      breaker = reducer(breaker, { kind: "entered", atMs });
      const isTry = before.state !== "closed";
      if (isTry) tries++;
      assert.ok(tries <= 1, "one request tries at a time");
      inside.push({ epoch: breaker.epoch, isTry });
      continue;
    }
    const [it] = inside.splice(Math.floor(random() * inside.length), 1);
    if (!it) continue;
    const isCurrent = it.epoch === before.epoch;
    const end = (["ok", "bad", "bad", "bad", "none"] as const)[Math.floor(random() * 5)] ?? "ok";
    if (it.isTry) tries--;
    breaker = reducer(breaker, eventOf(end, it.epoch, atMs));
    if (!isCurrent) assert.deepEqual(breaker, before, "what was let in before it changed says nothing");
    else if (end === "none") assert.ok(breaker.state === before.state, "nothing follows from nothing");
    else if (end === "ok") assert.equal(breaker.state, "closed", "who works gets requests");
    inRow = breaker.state === "closed" && isCurrent && end === "bad" ? inRow + 1 : end === "none" ? inRow : 0;
    assert.ok(inRow < BREAKER_RULES.mostInRow, "so many failures in a row open it");
    if (breaker.state === "open" && before.state !== "open") assert.equal(end, "bad");
  }
}
