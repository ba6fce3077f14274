import type { GovernState, Model } from "../core/govern/state.ts";
import type { Pace } from "./heartbeat.ts";

/** How often the governor must hear of the time: memory that is waited for is looked at often, idle models seldom, nothing never. */
export function paceOf({ models, requests, releasing }: Pick<GovernState, "models" | "requests" | "releasing">): Pace {
  const all = [...models.values()];
  const isWaiting = [...requests.values()].some((it) => it.grant === null);
  if (isWaiting || releasing.length > 0 || all.some(isMoving)) return "quick";
  return all.some(takesMemory) ? "slow" : "none";
}

function isMoving({ phase }: Model): boolean {
  return phase.kind !== "absent" && phase.kind !== "ready";
}

/** A server that is there already has nothing to give back. */
function takesMemory({ phase, held }: Model): boolean {
  return phase.kind === "ready" && (phase.option.needs.length > 0 || (held?.length ?? 0) > 0);
}
