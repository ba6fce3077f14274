import type { Asked, Draft, GovernState } from "./state.ts";

/** So many times as long as others are passed over, background work waits before it goes first once. */
export const BACKGROUND_PATIENCE = 10;

/**
 * Those that wait, in the order in which turns are given and room is made: interactive work before tasks before background work, and
 * among equals first whose turn was ended for others, then who has been passed over longest. A task that was passed over for `maxPassedOverMs` counts as interactive. Background work
 * never goes before others, except that the one request that waited longest, and ten times that long, does so once every
 * `maxPassedOverMs`: it is late, but never starved.
 */
export function inLine(draft: Draft): readonly Asked[] {
  const waiting: Asked[] = [];
  for (const it of draft.requests.values()) if (it.grant === null) waiting.push(it);
  if (waiting.length < 2) return waiting;
  const placed = waiting.map((asked) => ({
    asked,
    rank: rankOf(draft, asked),
    // 0: it has begun, and goes on.
    begun: asked.preempted > 0 ? 0 : 1,
    sinceMs: passedSinceMs(draft, asked, asked.target),
  }));
  // Sorting keeps the order of those that are equal: the one in which they came.
  return placed.sort((a, b) => a.rank - b.rank || a.begun - b.begun || a.sinceMs - b.sinceMs).map((it) => it.asked);
}

function rankOf(draft: Draft, asked: Asked): 0 | 1 | 2 {
  switch (asked.priority) {
    case "interactive":
      return 0;
    case "task":
      return isPassedOver(draft, asked, asked.target) ? 0 : 1;
    case "background":
      return isPromoted(draft, asked) ? 0 : 2;
  }
}

/**
 * Since when others go before it: since it came, or since its model had to go, if that had its turn in the meantime. A model with a long
 * line so has one turn, and then each of the others.
 */
export function passedSinceMs({ models }: Pick<GovernState, "models">, asked: Asked, key: string): number {
  return Math.max(asked.atMs, models.get(key)?.goneMs ?? 0);
}

/** Whether room is made for it at the cost of models that are in use. */
export function isPassedOver(draft: Draft, asked: Asked, key: string): boolean {
  return draft.atMs - passedSinceMs(draft, asked, key) >= draft.rules.maxPassedOverMs;
}

function waitedMs({ atMs }: Draft, asked: Asked): number {
  return atMs - asked.atMs;
}

/** Whether a background request may go before others. */
export function isPromoted(draft: Draft, asked: Asked): boolean {
  const { maxPassedOverMs } = draft.rules;
  if (waitedMs(draft, asked) < BACKGROUND_PATIENCE * maxPassedOverMs) return false;
  if (draft.atMs - draft.promotedMs < maxPassedOverMs) return false;
  for (const it of draft.requests.values())
    if (it.grant === null && it.priority === "background") return it.request === asked.request;
  return false;
}
