import type { GovernEffect, GovernEvent } from "./event.ts";
import type { GovernRules } from "./rules.ts";

/** Everything the governor knows. Plain data: it can be printed, stored and replayed. */
export interface GovernState {
  readonly atMs: number;
}

export const EMPTY_STATE: GovernState = { atMs: 0 };

/** One step: what follows from an event. The only place where models and requests are decided on. */
export function govern(
  _state: GovernState,
  _event: GovernEvent,
  _rules: GovernRules,
): { readonly state: GovernState; readonly effects: readonly GovernEffect[] } {
  throw new Error("not here yet");
}
