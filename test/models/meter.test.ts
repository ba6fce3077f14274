import assert from "node:assert/strict";
import { test } from "node:test";
import { createMeter } from "../../server/models/meter.ts";
import type { DownloadProgress } from "../../server/protocol/models.ts";

function start(totalBytes: number) {
  const told: DownloadProgress[] = [];
  let nowMs = 0;
  const meter = createMeter({
    model: "m",
    totalBytes,
    clock: { nowMs: () => nowMs },
    onProgress: (it) => void told.push(it),
  });
  return {
    told,
    meter,
    /** So many bytes every millisecond. */
    pass(ms: number, fromBytes: number, bytesPerMs: number) {
      for (let step = 1; step <= ms; step++) {
        nowMs++;
        meter.at(fromBytes + step * bytesPerMs);
      }
    },
  };
}

test("a thousand chunks a second are told ten times, and the last one always", () => {
  const { told, meter, pass } = start(1_000_000);
  meter.at(0);
  pass(1_000, 0, 1_000);
  assert.equal(told.length, 11);
  meter.end(1_000_000);
  assert.equal(told.at(-1)?.doneBytes, 1_000_000);
});

test("the rate is that of this run, whatever an earlier one left", () => {
  const { told, meter, pass } = start(2_000_000);
  meter.at(900_000);
  assert.deepEqual([told[0]?.bytesPerSecond, told[0]?.etaMs], [null, null]);
  pass(1_000, 900_000, 100);
  const last = told.at(-1);
  assert.equal(last?.bytesPerSecond, 100_000);
  assert.equal(last?.etaMs, 10_000);
});

test("a change of speed shows by half after three seconds", () => {
  const { told, meter, pass } = start(1e9);
  meter.at(0);
  pass(2_000, 0, 1_000);
  pass(3_000, 2_000_000, 0);
  assert.ok(Math.abs((told.at(-1)?.bytesPerSecond ?? 0) - 500_000) < 1_000);
});

test("starting again does not make the rate negative", () => {
  const { told, meter, pass } = start(1e6);
  meter.at(0);
  pass(500, 0, 1_000);
  pass(100, 0, 1_000);
  assert.ok(told.every((it) => (it.bytesPerSecond ?? 0) >= 0 && (it.etaMs ?? 0) >= 0));
});
