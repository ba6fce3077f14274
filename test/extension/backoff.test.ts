import assert from "node:assert/strict";
import { test } from "node:test";
import { type AfterDeath, afterDeath } from "../../extension/backoff.ts";

const cases: { name: string; lives: number[]; chance?: number; want: AfterDeath }[] = [
  {
    name: "the first death costs next to nothing",
    lives: [500],
    want: { kind: "restart", quickDeaths: 1, delayMs: 50 },
  },
  {
    name: "not all windows come back at once",
    lives: [500],
    chance: 0.99,
    want: { kind: "restart", quickDeaths: 1, delayMs: 99 },
  },
  { name: "the second waits", lives: [500, 500], chance: 0, want: { kind: "restart", quickDeaths: 2, delayMs: 250 } },
  {
    name: "each further one waits twice as long",
    lives: [500, 500, 500],
    chance: 0,
    want: { kind: "restart", quickDeaths: 3, delayMs: 500 },
  },
  {
    name: "and never twice that",
    lives: [500, 500, 500],
    chance: 0.5,
    want: { kind: "restart", quickDeaths: 3, delayMs: 750 },
  },
  {
    name: "the fourth is the last that is restarted",
    lives: [0, 0, 0, 0],
    chance: 0,
    want: { kind: "restart", quickDeaths: 4, delayMs: 1_000 },
  },
  { name: "the fifth is given up", lives: [0, 0, 0, 0, 0], want: { kind: "give-up", quickDeaths: 5 } },
  {
    name: "a minute of health forgets all before",
    lives: [0, 0, 0, 0, 60_000],
    want: { kind: "restart", quickDeaths: 1, delayMs: 50 },
  },
  {
    name: "a moment less does not",
    lives: [0, 59_999],
    chance: 0,
    want: { kind: "restart", quickDeaths: 2, delayMs: 250 },
  },
];

for (const it of cases) test(it.name, () => check(it.lives, it.chance ?? 0.5, it.want));

function check(livesMs: readonly number[], chance: number, want: AfterDeath): void {
  let quickDeathsBefore = 0;
  let last: AfterDeath | null = null;
  for (const livedMs of livesMs) {
    last = afterDeath({ quickDeathsBefore, livedMs, chance });
    quickDeathsBefore = last.quickDeaths;
  }
  assert.deepEqual(last, want);
}
