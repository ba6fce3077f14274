import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./place.ts";
import { storm } from "./storm.ts";

const COUNT = 50;

test(`${COUNT} processes start it at once: one survives, all ${COUNT} are connected to it`, async (t) => {
  const { folder } = await place(t);
  const { arrivals, candidates, survivors } = await storm(folder, COUNT, AbortSignal.timeout(120_000));
  t.diagnostic(`${candidates.length} candidates were started`);
  assert.ok(candidates.length <= COUNT / 10, "most wait for the one that another starts");
  assert.equal(arrivals.length, COUNT);
  assert.equal(survivors.length, 1);
  assert.deepEqual(new Set(arrivals.map((it) => it.servedBy)), new Set(survivors));
  assert.equal(arrivals.filter((it) => it.startedByUs).length, 1);
  process.kill(survivors[0] ?? 0, "SIGKILL");
});
