import type { Obstacle } from "./assign.ts";
import type { Priority } from "./event.ts";
import { labelOf } from "./moves.ts";
import { isOfThisLife, rivalOf } from "./rivals.ts";
import type { Asked, Draft } from "./state.ts";

/** The smaller the more urgent. */
const URGENCY: Readonly<Record<Priority, number>> = { interactive: 0, task: 1, background: 2 };

/**
 * Ends turns that more urgent work needs: one turn on the same model for each request that finds no slot free, and background turns on
 * GPUs on which somebody is being answered. Only a turn that was offered ends, since its work can go on later; who was ended
 * `mostPreemptions` times, or got its turn because it had waited too long, keeps it.
 */
export function preempt(draft: Draft, obstacles: ReadonlyMap<string, Obstacle>): void {
  freeSlots(draft, obstacles);
  for (const it of draft.requests.values()) {
    if (!mayEnd(draft, it) || it.priority !== "background") continue;
    const rival = rivalOf(draft, it.grant.key);
    if (rival) end(draft, it, `${labelOf(draft, rival.key)} answers somebody on the same device`);
  }
}

function freeSlots(draft: Draft, obstacles: ReadonlyMap<string, Obstacle>): void {
  const ending = new Map<string, number>();
  for (const { grant } of draft.requests.values())
    if (grant?.isEnding && isOfThisLife(draft, grant)) ending.set(grant.key, (ending.get(grant.key) ?? 0) + 1);
  for (const [request, { kind, key }] of obstacles) {
    const asked = draft.requests.get(request);
    if (!asked || kind !== "busy") continue;
    // A slot that is on its way already is the first one's in line.
    const coming = ending.get(key) ?? 0;
    if (coming > 0) ending.set(key, coming - 1);
    else {
      const victim = victimFor(draft, asked, key);
      if (victim) end(draft, victim, `a request of higher priority waits for ${labelOf(draft, key)}`);
    }
  }
}

/** Of the least urgent turns the one that was asked for last. */
function victimFor(draft: Draft, asked: Asked, key: string): Granted | null {
  let found: Granted | null = null;
  for (const it of draft.requests.values()) {
    if (!mayEnd(draft, it) || it.grant.key !== key || URGENCY[it.priority] <= URGENCY[asked.priority]) continue;
    if (!found || URGENCY[it.priority] >= URGENCY[found.priority]) found = it;
  }
  return found;
}

type Granted = Asked & { readonly grant: NonNullable<Asked["grant"]> };

function mayEnd(draft: Draft, asked: Asked): asked is Granted {
  const { grant, isOffered, preempted } = asked;
  if (grant === null || !isOffered || grant.isEnding || grant.isKept) return false;
  return preempted < draft.rules.mostPreemptions && isOfThisLife(draft, grant);
}

function end(draft: Draft, asked: Granted, why: string): void {
  draft.requests.set(asked.request, { ...asked, grant: { ...asked.grant, isEnding: true } });
  draft.effects.push({ kind: "preempt", request: asked.request, key: asked.grant.key, why });
}
