import type { Obstacle } from "./assign.ts";
import type { Priority } from "./event.ts";
import { labelOf } from "./moves.ts";
import { type Granted, isOfThisLife, mayEnd, rivalOf } from "./rivals.ts";
import type { Asked, Draft } from "./state.ts";

/** The smaller the more urgent. */
const URGENCY: Readonly<Record<Priority, number>> = { interactive: 0, task: 1, background: 2 };

/**
 * Ends turns that more urgent work needs: one turn on the same model for each request that finds no slot free, and background turns on
 * GPUs on which somebody is being answered, or whose memory somebody waits for. Only a turn that was offered ends, since its work can go on later; who was ended
 * so often as the rules say, or got its turn because it had waited too long, keeps it.
 */
export function preempt(draft: Draft, obstacles: ReadonlyMap<string, Obstacle>): void {
  freeSlots(draft, obstacles);
  for (const it of draft.requests.values()) {
    if (!mayEnd(draft, it) || it.priority !== "background") continue;
    const rival = rivalOf(draft, it.grant.key);
    const awaited = awaitedFor(draft, it.grant.key);
    if (rival) end(draft, it, `${labelOf(draft, rival.key)} answers somebody on the same device`);
    else if (awaited !== null) end(draft, it, `${labelOf(draft, awaited)} needs its memory`);
  }
}

/** The model that this one makes room for, where somebody other than background work waits for that. */
function awaitedFor(draft: Draft, key: string): string | null {
  const phase = draft.models.get(key)?.phase;
  if (phase?.kind !== "draining" || phase.forKey === null) return null;
  for (const { grant, priority, choices } of draft.requests.values())
    if (grant === null && priority !== "background" && choices.includes(phase.forKey)) return phase.forKey;
  return null;
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

function end(draft: Draft, asked: Granted, why: string): void {
  draft.requests.set(asked.request, { ...asked, grant: { ...asked.grant, isEnding: true } });
  draft.effects.push({ kind: "preempt", request: asked.request, key: asked.grant.key, why });
}
