import type { Asked, Draft } from "./state.ts";

/** So many times as long as others are passed over, background work waits before it goes first once. */
const BACKGROUND_PATIENCE = 10;

/**
 * Those that wait, in the order in which turns are given: interactive work before tasks before background work, and each in the order in
 * which it came. A task that has waited `maxPassedOverMs` counts as interactive. Background work never goes before others, except that
 * the request that waited longest, and ten times that long, does so once every `maxPassedOverMs`: it is late, but never starved.
 */
export function inLine(draft: Draft): readonly Asked[] {
  const lines: readonly [Asked[], Asked[], Asked[]] = [[], [], []];
  for (const it of draft.requests.values()) if (it.grant === null) lines[rankOf(draft, it)].push(it);
  return lines.flat();
}

function rankOf(draft: Draft, asked: Asked): 0 | 1 | 2 {
  switch (asked.priority) {
    case "interactive":
      return 0;
    case "task":
      return waitedMs(draft, asked) >= draft.rules.maxPassedOverMs ? 0 : 1;
    case "background":
      return isPromoted(draft, asked) ? 0 : 2;
  }
}

export function waitedMs({ atMs }: Draft, asked: Asked): number {
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
