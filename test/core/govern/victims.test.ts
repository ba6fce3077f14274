import assert from "node:assert/strict";
import { test } from "node:test";
import { type Candidate, cheapestVictims, MOST_EXHAUSTIVE } from "../../../server/core/govern/victims.ts";
import { randomFrom } from "./randomTrace.ts";

const one = (key: string, bytes: number, cost: number): Candidate => ({ key, frees: new Map([["g", bytes]]), cost });

const cases: readonly {
  name: string;
  candidates: readonly Candidate[];
  bytes: number;
  want: readonly string[] | null;
}[] = [
  { name: "nothing is missing", candidates: [one("a", 5, 1)], bytes: 0, want: [] },
  { name: "all together are too little", candidates: [one("a", 5, 1), one("b", 5, 1)], bytes: 11, want: null },
  {
    name: "the cheapest that is enough",
    candidates: [one("a", 5, 2), one("b", 5, 1), one("c", 5, 3)],
    bytes: 5,
    want: ["b"],
  },
  {
    name: "two cheap ones rather than a dear one",
    candidates: [one("a", 9, 9), one("b", 5, 1), one("c", 5, 3)],
    bytes: 9,
    want: ["b", "c"],
  },
  { name: "of equally dear ones the smaller", candidates: [one("a", 9, 1), one("b", 5, 1)], bytes: 4, want: ["b"] },
  {
    name: "one that gives nothing stays, however cheap",
    candidates: [one("a", 0, 0), one("b", 5, 1)],
    bytes: 4,
    want: ["b"],
  },
];
for (const { name, candidates, bytes, want } of cases)
  test(name, () => {
    assert.deepEqual(cheapestVictims(candidates, new Map([["g", bytes]]))?.keys ?? null, want);
  });

test("up to twelve no set is cheaper; above that it is enough, and none of it could have stayed", () => {
  const random = randomFrom(5);
  for (let round = 0; round < 60; round++) {
    const count = round < 40 ? 1 + Math.floor(random() * 8) : MOST_EXHAUSTIVE + 1 + Math.floor(random() * 8);
    const candidates = Array.from({ length: count }, (_, nth) => ({
      key: `m${nth}`,
      frees: new Map(["g", "h"].map((device) => [device, Math.floor(random() * 10)])),
      cost: Math.floor(random() * 20),
    }));
    const missing = new Map([
      ["g", Math.floor(random() * 20)],
      ["h", Math.floor(random() * 20)],
    ]);
    const isEnough = (chosen: readonly Candidate[]) =>
      [...missing].every(
        ([device, bytes]) => chosen.reduce((sum, it) => sum + (it.frees.get(device) ?? 0), 0) >= bytes,
      );
    const found = cheapestVictims(candidates, missing);
    if (!found) {
      assert.ok(!isEnough(candidates));
      continue;
    }
    const chosen = candidates.filter((it) => found.keys.includes(it.key));
    assert.ok(isEnough(chosen));
    for (const it of chosen)
      if (it.cost > 0) assert.ok(!isEnough(chosen.filter((other) => other !== it)), `${it.key} could have stayed`);
    if (count <= 8) assert.equal(found.cost, cheapestByRecursion(candidates, isEnough));
  }
});

/** By another road: each may go or stay. */
function cheapestByRecursion(all: readonly Candidate[], isEnough: (chosen: readonly Candidate[]) => boolean): number {
  const least = (nth: number, chosen: readonly Candidate[]): number => {
    const it = all[nth];
    if (!it) return isEnough(chosen) ? chosen.reduce((sum, one) => sum + one.cost, 0) : Number.POSITIVE_INFINITY;
    return Math.min(least(nth + 1, chosen), least(nth + 1, [...chosen, it]));
  };
  return least(0, []);
}
