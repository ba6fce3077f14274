import type { RouteRecord } from "../../protocol/routing.ts";
import type { RouteCandidate } from "../../protocol/run.ts";
import type { RoutePolicy } from "./policy.ts";
import { routeAgain } from "./record.ts";

/** A stored decision made again. */
export interface Replayed {
  readonly isSame: boolean;
  readonly before: RouteRecord["chosen"];
  /** Null: nobody would be chosen. */
  readonly after: RouteRecord["chosen"] | null;
  /**
   * How much sooner who drafts now would be done than who drafted then, both by the policy of now, in milliseconds; below 0: later. Null
   * where one of them is no candidate any more.
   */
  readonly gainMs: number | null;
  /** Why it is decided so now. */
  readonly why: string | null;
}

/** What this policy makes of what was known then. */
export function replay(record: RouteRecord, policy: RoutePolicy): Replayed {
  const before = record.chosen;
  const made = routeAgain(record, policy);
  if (!made) return { isSame: false, before, after: null, gainMs: null, why: null };
  const after = { draft: made.draft.engine, audit: made.audit?.engine ?? null };
  const then = made.candidates.find((it) => it.engine === before.draft);
  return {
    isSame: after.draft === before.draft && after.audit === before.audit,
    before,
    after,
    gainMs: then ? timeOf(then) - timeOf(made.draft) : null,
    why: made.why,
  };
}

function timeOf({ cost }: RouteCandidate): number {
  return cost.totalMs;
}
