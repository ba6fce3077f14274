import assert from "node:assert/strict";
import { test } from "node:test";
import { PAIRS, SOURCE } from "../bench/auditRates.ts";
import { randomFrom, rig } from "../server/auditRig.ts";
import { leastMakespan, makespan, type Work } from "./makespan.ts";

test("the makespan of parts is what a clock would show", () => {
  const equal = (count: number) =>
    Array.from({ length: count }, () => ({ draftMs: 19_250 / count, auditMs: 4_000 / count }));
  assert.equal(makespan([], 300), 0);
  assert.equal(makespan(equal(1), 300), 23_550);
  assert.equal(Math.round(makespan(equal(8), 300)), 20_050);
  // The audit cannot keep up: each part waits for the one before it.
  assert.equal(Math.round(makespan(equal(64), 300)), 23_501);
});

test("the least makespan is that of the best of all chunkings", () => {
  const chance = randomFrom(7);
  for (let round = 0; round < 40; round++) {
    const lines = Array.from({ length: 1 + Math.floor(chance() * 9) }, () => ({
      draftMs: chance() * 100,
      auditMs: chance() * 100,
    }));
    const fixedMs = chance() * 60;
    const all = chunkings(lines).map((parts) => makespan(parts, fixedMs));
    const found = leastMakespan(lines, fixedMs);
    assert.ok(Math.abs(found.ms - Math.min(...all)) < 1e-9);
    assert.equal(found.ends.at(-1), lines.length);
    assert.ok(Math.abs(makespan(cutAt(lines, found.ends), fixedMs) - found.ms) < 1e-9);
  }
});

test("on the source document's rates draft, audit and final pass take 20.3 s at most, 2.2 times less than its 45.12 s", async () => {
  const { seconds, timing, worked } = await rig(SOURCE);
  assert.ok(seconds <= 20.3 && 45.12 / seconds >= 2.2, `${seconds} s`);
  assert.equal(worked.summary?.finalPass, "ok");
  assert.equal(worked.summary.audited, worked.summary.parts);
  // Busy times are what the engines report: all of both, and no waiting.
  const busy = (use: typeof timing.audit) => (use ? use.prefillMs + use.decodeMs : 0) / 1_000;
  const verdicts = worked.summary.parts + 1;
  assert.ok(Math.abs(busy(timing.draft) - 19.25) < 0.05);
  assert.ok(Math.abs(busy(timing.audit) - (4 + 0.3 * verdicts + 0.1)) < 0.1, `${busy(timing.audit)} s of audit`);
  assert.ok((timing.overlap ?? 0) > 0.85);
});

for (const [name, rates] of PAIRS)
  test(`within 3 % of the least that was possible: ${name}`, async () => {
    const { seconds, least, ends } = await rig(rates);
    assert.ok(seconds <= least * 1.03, `${seconds.toFixed(2)} s, and ${least.toFixed(2)} s was possible: ${ends}`);
  });

test("one turn for both: the audit comes afterwards, in few parts, and says so", async () => {
  const { seconds, timing, worked } = await rig(SOURCE, { isShared: true });
  assert.equal(timing.auditRan, "after");
  assert.ok((worked.summary?.parts ?? 99) <= 2);
  assert.ok(Math.abs(timing.overlap ?? 1) < 0.01);
  assert.ok(seconds > 23.5);
});

test("a length and speeds that were guessed wrong cost little", async () => {
  for (const wrong of [{ length: 0.5 }, { length: 2 }, { speed: 0.6 }, { speed: 1.6 }]) {
    const { seconds, least } = await rig(SOURCE, wrong);
    assert.ok(
      seconds <= least * 1.06,
      `${JSON.stringify(wrong)}: ${seconds.toFixed(2)} s, ${least.toFixed(2)} s was possible`,
    );
  }
});

function chunkings(lines: readonly Work[]): Work[][] {
  const cuts = lines.length - 1;
  return Array.from({ length: 2 ** cuts }, (_, mask) => {
    const ends = Array.from({ length: cuts }, (_, at) => at + 1).filter((end) => mask & (1 << (end - 1)));
    return cutAt(lines, [...ends, lines.length]);
  });
}

function cutAt(lines: readonly Work[], ends: readonly number[]): Work[] {
  return ends.map((end, at) => {
    const part = lines.slice(ends[at - 1] ?? 0, end);
    const sum = (of: (it: Work) => number) => part.reduce((total, it) => total + of(it), 0);
    return { draftMs: sum((it) => it.draftMs), auditMs: sum((it) => it.auditMs) };
  });
}
