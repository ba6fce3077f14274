import type { GovernEffect, GovernEvent } from "../govern/event.ts";
import { govern } from "../govern/govern.ts";
import type { GovernRules } from "../govern/rules.ts";
import { EMPTY_STATE, type GovernState } from "../govern/state.ts";
import { dueAtMs } from "../govern/view.ts";

/** Who decides in a simulation. */
export interface Policy {
  hear(event: GovernEvent): readonly GovernEffect[];
  /** When it wants a tick; null: never. */
  dueAtMs(): number | null;
}

/** The governor itself, with a look at what it believes. */
export function governed(rules: GovernRules): Policy & { readonly state: GovernState } {
  let state = EMPTY_STATE;
  return {
    get state() {
      return state;
    },
    hear(event) {
      const step = govern(state, event, rules);
      state = step.state;
      return step.effects;
    },
    dueAtMs: () => dueAtMs(state, rules),
  };
}
