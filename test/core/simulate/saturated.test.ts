import assert from "node:assert/strict";
import { test } from "node:test";
import { GOVERN_RULES, type GovernRules } from "../../../server/core/govern/rules.ts";
import { governed } from "../../../server/core/simulate/policy.ts";
import { SCENARIOS } from "../../../server/core/simulate/scenarios.ts";
import { simulate } from "../../../server/core/simulate/simulate.ts";

/** Of the person that asks while background work takes every turn: how long he waited at most. */
function longestMs(rules: Partial<GovernRules>) {
  const trace = SCENARIOS.get("saturated")?.();
  assert.ok(trace);
  const outcome = simulate(trace, governed({ ...GOVERN_RULES, ...rules }));
  const waits = outcome.turns.filter((it) => it.priority === "interactive").map((it) => it.grantedMs - it.atMs);
  return { outcome, longestMs: Math.max(...waits), waits: waits.sort((a, b) => a - b) };
}

test("a person who asks while background work takes every turn waits for a moment, and no work is lost", () => {
  const { outcome, waits } = longestMs({});
  const [median] = waits.slice(waits.length / 2);
  assert.ok((median ?? 0) <= 100, `${median} ms`);
  assert.deepEqual([outcome.unserved, outcome.refused, outcome.cutRequests], [0, 0, 0]);
  assert.ok(outcome.turns.every((it) => it.preempted <= GOVERN_RULES.mostBackgroundPreemptions));
});

test("without that he waits for seconds", () => {
  const { waits, outcome } = longestMs({ mostBackgroundPreemptions: 0, besideInteractive: "runs" });
  const [median] = waits.slice(waits.length / 2);
  assert.ok((median ?? 0) >= 2_000, `${median} ms`);
  assert.equal(outcome.preemptions, 0);
});
