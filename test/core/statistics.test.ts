import assert from "node:assert/strict";
import { test } from "node:test";
import { agreementOf, cohensKappa, mcnemarExact, median, wilson } from "../../server/core/statistics.ts";

const near = (found: number | null | undefined, want: number, within = 5e-4) =>
  assert.ok(found !== null && found !== undefined && Math.abs(found - want) < within, `${found} instead of ${want}`);

// Published or reckoned by other programs (R's prop.test without correction, binom.test, psych's cohen.kappa).
const INTERVALS = [
  { of: [15, 40], want: [0.2422, 0.5297] },
  { of: [0, 10], want: [0, 0.2775] },
  { of: [10, 10], want: [0.7225, 1] },
  { of: [1, 1], want: [0.2065, 1] },
  { of: [81, 263], want: [0.2553, 0.3662] },
] as const;
for (const { of, want } of INTERVALS)
  test(`Wilson's interval of ${of.join(" in ")}`, () => {
    const found = wilson(of[0], of[1]);
    near(found?.least, want[0]);
    near(found?.most, want[1]);
  });

test("a share lies within its interval, which narrows as trials grow, and nothing has none", () => {
  assert.equal(wilson(0, 0), null);
  let width = 1;
  for (const trials of [4, 16, 64, 256, 1024]) {
    const found = wilson(trials / 4, trials);
    assert.ok(found && found.least < 0.25 && found.most > 0.25);
    assert.ok(found.most - found.least < width);
    width = found.most - found.least;
  }
  for (let trials = 1; trials < 60; trials++)
    for (let k = 0; k <= trials; k++) {
      const it = wilson(k, trials);
      assert.ok(
        it && it.least >= 0 && it.most <= 1 && it.least <= it.share && it.share <= it.most,
        `${k} of ${trials}`,
      );
    }
});

const PAIRS = [
  { of: [0, 0], want: 1 },
  { of: [1, 0], want: 1 },
  { of: [5, 0], want: 0.0625 },
  { of: [6, 0], want: 0.03125 },
  { of: [2, 10], want: 0.03857 },
  { of: [4, 6], want: 0.75390625 },
  { of: [7, 7], want: 1 },
] as const;
for (const { of, want } of PAIRS)
  test(`McNemar's exact test of ${of.join(" against ")}`, () => {
    near(mcnemarExact(of[0], of[1]), want, 1e-5);
    near(mcnemarExact(of[1], of[0]), want, 1e-5);
  });

test("McNemar's exact test stands thousands of pairs", () => {
  near(mcnemarExact(2_000, 2_000), 1);
  const p = mcnemarExact(1_900, 2_100);
  assert.ok(p > 0.001 && p < 0.003, `${p}`);
  assert.ok(mcnemarExact(0, 5_000) < 1e-300);
});

test("agreement beyond chance", () => {
  // Cohen's own example has the same margins as this one: 20 and 15 of 50 alike, 5 and 10 not.
  const table = { bothYes: 20, onlyFirst: 5, onlySecond: 10, bothNo: 15 };
  near(agreementOf(table), 0.7);
  near(cohensKappa(table), 0.4);
  near(cohensKappa({ bothYes: 9, bothNo: 9, onlyFirst: 0, onlySecond: 0 }), 1);
  near(cohensKappa({ bothYes: 0, bothNo: 0, onlyFirst: 9, onlySecond: 9 }), -1);
  assert.equal(cohensKappa({ bothYes: 12, bothNo: 0, onlyFirst: 0, onlySecond: 0 }), null, "one verdict for all");
  assert.equal(agreementOf({ bothYes: 0, bothNo: 0, onlyFirst: 0, onlySecond: 0 }), null);
});

test("the middle value", () => {
  assert.equal(median([]), null);
  assert.equal(median([3]), 3);
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});
