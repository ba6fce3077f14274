import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY } from "../../server/core/route/policy.ts";
import { type Herd, herd } from "../bench/routing/herd.ts";
import { turns } from "../bench/routing/turns.ts";

const CHEAPEST = { ...DEFAULT_POLICY, equalShare: 0, equalMs: 0 };
const BASE = { engines: 8, slots: 4, contention: 0.2, seed: 7 };

/** The cheapest by what is known, and the less loaded of two equals that are drawn. */
function both(given: Pick<Herd, "requests" | "everyMs" | "staleMs">) {
  return [
    herd({ ...BASE, ...given, policy: CHEAPEST, isDrawn: false }),
    herd({ ...BASE, ...given, policy: DEFAULT_POLICY, isDrawn: true }),
  ] as const;
}

test("many that see the same load do not all go to the same engine", () => {
  const [one, two] = both({ requests: 32, everyMs: 0, staleMs: 0 });
  assert.equal(one.mostLoad, 32);
  assert.ok(two.mostLoad <= 8 && two.meanMs < one.meanMs / 3, `${two.mostLoad}, ${two.meanMs} against ${one.meanMs}`);
});

test("by a load that is seconds old two choices wait less than the cheapest", () => {
  const [one, two] = both({ requests: 1_500, everyMs: 192, staleMs: 5_000 });
  assert.ok(two.meanMs < 0.8 * one.meanMs && two.p99Ms < one.p99Ms, `${two.meanMs} against ${one.meanMs}`);
});

test("and by the load as it is they cost next to nothing", () => {
  const [one, two] = both({ requests: 1_500, everyMs: 192, staleMs: 0 });
  assert.ok(two.meanMs < 1.05 * one.meanMs, `${two.meanMs} against ${one.meanMs}`);
});

test("conversations that go on where they were have little to read anew", () => {
  const base = { engines: 4, slots: 1, conversations: 4, turns: 8, seed: 3 };
  const without = turns({ ...base, isRemembered: false });
  const having = turns({ ...base, isRemembered: true });
  assert.equal(having.asked, without.asked);
  assert.ok(having.read < 0.5 * without.read, `${having.read} against ${without.read}`);
});
