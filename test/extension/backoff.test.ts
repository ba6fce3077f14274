import assert from "node:assert/strict";
import { test } from "node:test";
import { type AfterDeath, afterDeath } from "../../extension/backoff.ts";

const cases: { name: string; lives: number[]; want: AfterDeath }[] = [
  { name: "the first death", lives: [500], want: { kind: "restart", quickDeaths: 1, delayMs: 1_000 } },
  {
    name: "each quick one waits twice as long",
    lives: [500, 500, 500],
    want: { kind: "restart", quickDeaths: 3, delayMs: 4_000 },
  },
  {
    name: "the fourth is the last that is restarted",
    lives: [0, 0, 0, 0],
    want: { kind: "restart", quickDeaths: 4, delayMs: 8_000 },
  },
  { name: "the fifth is given up", lives: [0, 0, 0, 0, 0], want: { kind: "give-up", quickDeaths: 5 } },
  {
    name: "a minute of health forgets all before",
    lives: [0, 0, 0, 0, 60_000],
    want: { kind: "restart", quickDeaths: 1, delayMs: 1_000 },
  },
  { name: "a moment less does not", lives: [0, 59_999], want: { kind: "restart", quickDeaths: 2, delayMs: 2_000 } },
];

for (const it of cases) test(it.name, () => check(it.lives, it.want));

function check(livesMs: readonly number[], want: AfterDeath): void {
  let quickDeaths = 0;
  let last: AfterDeath | null = null;
  for (const livedMs of livesMs) {
    last = afterDeath(quickDeaths, livedMs);
    quickDeaths = last.quickDeaths;
  }
  assert.deepEqual(last, want);
}
