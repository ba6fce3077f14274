import type { DeviceFact, GovernEffect, GovernEvent, Priority } from "../../../server/core/govern/event.ts";
import { govern } from "../../../server/core/govern/govern.ts";
import type { Loadable } from "../../../server/core/govern/loadable.ts";
import { GOVERN_RULES, type GovernRules } from "../../../server/core/govern/rules.ts";
import { EMPTY_STATE, type GovernState } from "../../../server/core/govern/state.ts";

export const GB = 2 ** 30;

/** A card with 24 GB, of which 3 stay free. */
export function card(device: string, usedGb: number, more: Partial<DeviceFact> = {}): DeviceFact {
  const size = { totalBytes: 24 * GB, usedBytes: usedGb * GB, reserveBytes: 3 * GB };
  const levels = { health: "ok", pressure: "normal", thermal: "normal" } as const;
  return { device, name: `card ${device}`, ...size, ...levels, held: new Map(), ...more };
}

/** A model that takes so many GB of any one of these devices. */
export function model(key: string, gb: number, more: Partial<Loadable> & { on?: readonly string[] } = {}): Loadable {
  const { on = ["g0"], ...rest } = more;
  const options = on.map((device) => ({ id: device, needs: [{ device, bytes: gb * GB }], why: "as told" }));
  return { key, label: key.toUpperCase(), kind: "writer", options, slots: 1, loadMs: 5_000, weight: 1, ...rest };
}

type Said = GovernEvent extends infer Event ? (Event extends GovernEvent ? Omit<Event, "atMs"> : never) : never;

export function devices(...facts: readonly DeviceFact[]): Said {
  return { kind: "devices", devices: facts };
}

export function want(
  request: string,
  choices: Loadable | readonly Loadable[],
  priority: Priority = "interactive",
): Said {
  return { kind: "want", request, choices: "key" in choices ? [choices] : choices, priority };
}

export function loaded(key: string, slots = 1): Said {
  return { kind: "loaded", key, held: null, slots, tookMs: 5_000 };
}

export const tick: Said = { kind: "tick" };

/** What is said at which second, and what is to follow from it; waits are left out unless they are asked for. */
export type Step = readonly [atSeconds: number, said: Said, ...effects: readonly string[]];

export interface Played {
  readonly state: GovernState;
  readonly got: readonly (readonly string[])[];
  readonly effects: readonly GovernEffect[];
}

export function play(steps: readonly Step[], rules: Partial<GovernRules> = {}): Played {
  let state = EMPTY_STATE;
  const all: GovernEffect[] = [];
  const got = steps.map(([atSeconds, said]) => {
    const event = { ...said, atMs: atSeconds * 1_000 } as GovernEvent;
    const step = govern(state, event, { ...GOVERN_RULES, ...rules });
    state = step.state;
    all.push(...step.effects);
    return step.effects.filter((it) => it.kind !== "wait").map(brief);
  });
  return { state, got, effects: all };
}

function brief(effect: GovernEffect): string {
  switch (effect.kind) {
    case "load":
      return `load ${effect.key} ${effect.option}`;
    case "unload":
      return `unload ${effect.key}${effect.graceMs > 0 ? ` in ${effect.graceMs}` : ""}`;
    case "trim":
      return `trim ${effect.key}`;
    case "grant":
      return `grant ${effect.request} ${effect.key}`;
    case "preempt":
      return `preempt ${effect.request}`;
    case "wait":
      return `wait ${effect.request} ${effect.position}`;
    case "refuse":
      return `refuse ${effect.request} ${effect.why}`;
  }
}
