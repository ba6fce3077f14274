import { GOVERN_RULES } from "../govern/rules.ts";
import { type Waits, waitsOf } from "./judge.ts";
import { fewestLoads } from "./optimum.ts";
import { firstComeLeastRecent, loadedWhenAsked } from "./plain.ts";
import { governed } from "./policy.ts";
import type { Outcome } from "./run.ts";
import { simulate } from "./simulate.ts";
import type { Trace } from "./trace.ts";

/** A trace under the governor, and what others would have made of it. */
export interface Comparison {
  readonly about: string;
  readonly governor: Judged;
  /** First come first served, and who was used longest ago leaves. */
  readonly plain: Judged;
  /** Loaded when asked for, whatever else is there. */
  readonly asked: Judged;
  /** Loads that ran out of memory when everything is loaded that is asked for, less those that did under the governor; never below 0. */
  readonly outOfMemoryAvoided: number;
  /** The fewest loads with which nobody waits longer than anybody did under the governor; null: not worked out. */
  readonly fewestLoads: number | null;
}

export interface Judged {
  readonly outcome: Outcome;
  readonly waits: Waits;
}

export function compare(trace: Trace): Comparison {
  const rules = { ...GOVERN_RULES, ...trace.rules };
  const judged = (outcome: Outcome): Judged => ({ outcome, waits: waitsOf(trace, outcome) });
  const governor = judged(simulate(trace, governed(rules)));
  const asked = judged(simulate(trace, loadedWhenAsked()));
  return {
    about: trace.about,
    governor,
    plain: judged(simulate(trace, firstComeLeastRecent())),
    asked,
    outOfMemoryAvoided: Math.max(0, asked.outcome.outOfMemory - governor.outcome.outOfMemory),
    fewestLoads: fewestLoads(trace, governor.waits.longestMs),
  };
}
