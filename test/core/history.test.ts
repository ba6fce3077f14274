import assert from "node:assert/strict";
import { test } from "node:test";
import { type HistoryPoint, inSteps, joined, MOST_POINTS, merged, stepsFor } from "../../server/core/history.ts";

function point(atMs: number, changes: Partial<HistoryPoint> = {}): HistoryPoint {
  const figures = { usedBytes: 100, totalBytes: 1_000, busyPercent: 10, celsius: 50, powerWatts: 100 };
  return { atMs, count: 1, ...figures, ...changes };
}

const DAY = 86_400;
for (const [seconds, stepMs, keptMs] of [
  [1, 1_000, null],
  [100, 1_000, null],
  [101, 10_000, 10_000],
  [4_990, 10_000, 10_000],
  [4_991, 20_000, 10_000],
  [DAY, 180_000, 10_000],
  [DAY + 1, 180_000, 60_000],
  [30 * DAY, 5_220_000, 60_000],
] as const)
  test(`the last ${seconds} s come in steps of ${stepMs / 1_000} s`, () => {
    assert.deepEqual(stepsFor(seconds), { stepMs, keptMs });
    assert.ok(Math.ceil((seconds * 1_000) / stepMs) + 1 <= MOST_POINTS);
  });

test("points become one by their number of readings, with the highest temperature", () => {
  const one = point(1_000, { count: 3, usedBytes: 100, busyPercent: 0, celsius: 70 });
  const other = point(4_000, { count: 1, usedBytes: 500, busyPercent: 100, celsius: 60, totalBytes: 2_000 });
  const want = point(1_000, { count: 4, usedBytes: 200, busyPercent: 25, celsius: 70, totalBytes: 2_000 });
  assert.deepEqual(merged(one, other), want);
  assert.deepEqual(merged(other, one), want, "in whatever order");
});

test("what was not told leaves what was told alone", () => {
  const blind = point(2_000, { usedBytes: null, celsius: null, powerWatts: null });
  const { usedBytes, celsius, powerWatts, count } = merged(point(1_000), blind);
  assert.deepEqual([usedBytes, celsius, powerWatts, count], [100, 50, 100, 2]);
});

test("readings of a step are one point that begins with it", () => {
  const points = [25_000, 9_999, 10_000, 19_999, 0].map((atMs) => point(atMs));
  assert.deepEqual(
    inSteps(points, 10_000).map((it) => [it.atMs, it.count]),
    [
      [0, 2],
      [10_000, 2],
      [20_000, 1],
    ],
  );
});

test("of a step that is in memory and on disk the one of more readings is told", () => {
  const disk = [point(0, { count: 10, celsius: 1 }), point(10_000, { count: 4, celsius: 2 })];
  const memory = [10_000, 11_000, 12_000, 13_000, 14_000, 20_000].map((atMs) => point(atMs, { celsius: 3 }));
  assert.deepEqual(
    joined(disk, memory, 10_000).map((it) => [it.atMs, it.count, it.celsius]),
    [
      [0, 10, 1],
      [10_000, 5, 3],
      [20_000, 1, 3],
    ],
  );
});
