import { assign, isForEver, type Obstacle } from "./assign.ts";
import type { GovernEffect, GovernEvent } from "./event.ts";
import { hear } from "./hear.ts";
import { isSeen } from "./ledger.ts";
import { preempt } from "./preempt.ts";
import { refusalOf, sentence } from "./reasons.ts";
import { relieve } from "./relieve.ts";
import type { GovernRules } from "./rules.ts";
import { begin, type Draft, finish, type GovernState } from "./state.ts";

/** What follows from an event. */
export interface Step {
  readonly state: GovernState;
  readonly effects: readonly GovernEffect[];
}

/** One step: what follows from an event. The only place where models and requests are decided on. */
export function govern(state: GovernState, event: GovernEvent, rules: GovernRules): Step {
  const draft = begin(state, event.atMs, rules);
  hear(draft, event);
  expire(draft);
  relieve(draft);
  const obstacles = assign(draft);
  tell(draft, obstacles);
  preempt(draft, obstacles);
  forget(draft);
  return { state: finish(draft), effects: draft.effects };
}

/** What a device does not show as free in time is somebody else's. */
function expire(draft: Draft): void {
  const over = draft.releasing.filter((it) => it.untilMs <= draft.atMs);
  if (over.length === 0) return;
  draft.releasing = draft.releasing.filter((it) => it.untilMs > draft.atMs);
  for (const { device, bytes } of over) {
    const known = draft.devices.get(device);
    if (known && isSeen(known.fact))
      draft.devices.set(device, { ...known, foreignBytes: (known.foreignBytes ?? 0) + bytes });
  }
}

/** Who cannot be served hears so; who waits hears where it stands and for what, when either has changed. */
function tell(draft: Draft, obstacles: ReadonlyMap<string, Obstacle>): void {
  const positions = new Map<string, number>();
  const sentences = new Map<Obstacle | string, string>();
  for (const [request, obstacle] of obstacles) {
    const asked = draft.requests.get(request);
    if (!asked) continue;
    if (isForEver(obstacle)) {
      draft.requests.delete(asked.request);
      draft.effects.push({ kind: "refuse", request: asked.request, ...refusalOf(draft, asked) });
      continue;
    }
    const position = (positions.get(asked.target) ?? 0) + 1;
    positions.set(asked.target, position);
    // Those that wait for the same wait for the same reason.
    const same = obstacle.kind === "blocked" ? obstacle : `${obstacle.kind} ${obstacle.key}`;
    const why = sentences.get(same) ?? sentence(draft, obstacle);
    sentences.set(same, why);
    if (asked.told?.position === position && asked.told.why === why) continue;
    draft.requests.set(asked.request, { ...asked, told: { position, why } });
    draft.effects.push({ kind: "wait", request: asked.request, position, why });
  }
}

/** A model that is gone, and of which nothing is to be remembered, is forgotten. */
function forget(draft: Draft): void {
  if (draft.models.size <= MOST_REMEMBERED) return;
  const needed = new Set([...draft.requests.values()].flatMap((it) => [...it.choices, it.target]));
  for (const it of draft.models.values()) {
    if (draft.models.size <= MOST_REMEMBERED) return;
    if (it.phase.kind === "absent" && !it.isPinned && !it.isWanted && !needed.has(it.key)) draft.models.delete(it.key);
  }
}

/** Models that are not loaded are remembered up to so many, for what their loads have taught. */
const MOST_REMEMBERED = 128;
