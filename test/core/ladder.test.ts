import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESSURE_RULES, type Pressure, pressureAfter, pressureAt } from "../../server/core/pressure.ts";
import { isAtLeast, type Thermal, thermalAfter } from "../../server/core/thermal.ts";

/** Seconds and percent of a card of 24 GB, then the level that each leaves. */
const GIB = 1024 ** 3;
type Points = readonly (readonly [second: number, value: number])[];

const alone = [
  [0, "normal"],
  [59.9, "normal"],
  [60, "moderate"],
  [79.9, "moderate"],
  [80, "high"],
  [90, "high"],
  [90.1, "critical"],
  [100, "critical"],
] as const;

for (const [percent, want] of alone)
  test(`pressure: ${percent} % by itself is ${want}`, () =>
    assert.equal(pressureAt({ usedBytes: percent * GIB, totalBytes: 100 * GIB }), want));

interface Case {
  readonly name: string;
  readonly points: Points;
  readonly want: readonly string[];
}

const pressures: readonly Case[] = [
  {
    name: "it rises at once, past a level if need be",
    points: [
      [0, 50],
      [1, 95],
    ],
    want: ["normal", "critical"],
  },
  {
    name: "within the slack it never falls",
    points: [
      [0, 82],
      [5, 76],
      [60, 75],
      [600, 79],
    ],
    want: ["high", "high", "high", "high"],
  },
  {
    name: "below the slack it falls after the dwell",
    points: [
      [0, 82],
      [1, 74],
      [10, 74],
      [11, 74],
    ],
    want: ["high", "high", "high", "moderate"],
  },
  {
    name: "one sample back within the slack starts the dwell anew",
    points: [
      [0, 82],
      [1, 74],
      [9, 76],
      [12, 74],
      [21, 74],
      [22, 74],
    ],
    want: ["high", "high", "high", "high", "high", "moderate"],
  },
  {
    name: "it falls to the highest level of the dwell, not to the last",
    points: [
      [0, 95],
      [1, 82],
      [6, 30],
      [11, 30],
      [12, 30],
      [21, 30],
      [22, 30],
    ],
    want: ["critical", "critical", "critical", "high", "high", "high", "normal"],
  },
  {
    name: "swinging about a threshold changes nothing",
    points: Array.from({ length: 60 }, (_, second) => [second, second % 2 ? 91 : 87] as const),
    want: ["high", ...Array<string>(59).fill("critical")],
  },
];

for (const it of pressures)
  test(`pressure: ${it.name}`, () => {
    let now: Pressure | null = null;
    const levels = it.points.map(([second, percent]) => {
      now = pressureAfter(now, { usedBytes: percent * GIB, totalBytes: 100 * GIB, atMs: second * 1_000 });
      return now.level;
    });
    assert.deepEqual(levels, it.want);
  });

test("pressure: thresholds, slack and dwell are the caller's", () => {
  const rules = { ...PRESSURE_RULES, critical: 70, high: 65, slackPoints: 0, dwellMs: 0 };
  const first = pressureAfter(null, { usedBytes: 71, totalBytes: 100, atMs: 0 }, rules);
  assert.equal(first.level, "critical");
  assert.equal(pressureAfter(first, { usedBytes: 69, totalBytes: 100, atMs: 1 }, rules).level, "high");
});

const every = (step: number, count: number, celsius: (second: number) => number): Points =>
  Array.from({ length: count }, (_, nth) => [nth * step, celsius(nth * step)] as const);

const warmths: readonly (Omit<Case, "want"> & { readonly last: string; readonly why?: RegExp })[] = [
  {
    name: "65 is warm",
    points: [
      [0, 64],
      [1, 65],
    ],
    last: "warm",
  },
  { name: "80 is still warm when it stays there", points: every(1, 40, () => 80), last: "warm" },
  { name: "81 is hot", points: [[0, 81]], last: "hot" },
  {
    name: "85 is hot, 86 critical",
    points: [
      [0, 85],
      [1, 86],
    ],
    last: "critical",
  },
  { name: "84 held is hot and no more", points: every(1, 60, () => 84), last: "hot" },
  {
    name: "rising to be hot within half a minute is hot now",
    points: every(1, 15, (second) => 68 + second * 0.5),
    last: "hot",
    why: /75 °C and rising: 90 °C in 30 s/,
  },
  {
    name: "a cold card that warms up fast is not hot",
    points: every(1, 15, (second) => 30 + second * 2),
    last: "normal",
  },
  { name: "rising slowly is not hot", points: every(1, 31, (second) => 66 + second * 0.1), last: "warm" },
  { name: "a slope never stops work", points: every(1, 20, (second) => 61 + second), last: "hot" },
  { name: "four samples make no slope", points: every(5, 4, (second) => 66 + second * 0.6), last: "warm" },
  {
    name: "it cools by more than the slack, for long enough",
    points: [
      [0, 86],
      [1, 79],
      [10, 79],
      [11, 79],
    ],
    last: "hot",
  },
  {
    name: "a moment below is not enough",
    points: [
      [0, 86],
      [1, 79],
      [5, 79],
    ],
    last: "critical",
    why: /not long enough/,
  },
];

for (const it of warmths)
  test(`warmth: ${it.name}`, () => {
    let now: Thermal | null = null;
    for (const [second, celsius] of it.points)
      now = thermalAfter(now, { celsius, isBraked: false, atMs: second * 1_000 });
    const { level, why } = now as unknown as Thermal;
    assert.equal(level, it.last);
    if (it.why) assert.match(why, it.why);
  });

test("warmth: a driver that slows the card down for heat is believed at 70 °C", () => {
  const now = thermalAfter(null, { celsius: 70, isBraked: true, atMs: 0 });
  assert.equal(now.level, "hot");
  assert.match(now.why, /slows it down/);
});

test("warmth: what is kept is bounded however fast samples come", () => {
  let now: Thermal | null = null;
  for (let nth = 0; nth < 10_000; nth++) now = thermalAfter(now, { celsius: 50, isBraked: false, atMs: nth });
  assert.ok((now as unknown as Thermal).recent.length <= 64);
});

test("warmth: levels are in order", () => {
  assert.ok(isAtLeast("critical", "hot") && isAtLeast("hot", "hot") && !isAtLeast("warm", "hot"));
});
