/** What to do after the orchestrator died. */
export type AfterDeath =
  | { readonly kind: "restart"; readonly quickDeaths: number; readonly delayMs: number }
  | { readonly kind: "give-up"; readonly quickDeaths: number };

/** A life this long is healthy: deaths before it no longer count. */
export const HEALTHY_MS = 60_000;
/** This many deaths in a row without a healthy life in between, and restarting is left to the user. */
export const MAX_QUICK_DEATHS = 5;
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;

/** Waits 1 s, 2 s, 4 s … at most 30 s before the next start; gives up when starting again clearly does not help. */
export function afterDeath(quickDeathsBefore: number, livedMs: number): AfterDeath {
  const quickDeaths = (livedMs >= HEALTHY_MS ? 0 : quickDeathsBefore) + 1;
  if (quickDeaths >= MAX_QUICK_DEATHS) return { kind: "give-up", quickDeaths };
  return { kind: "restart", quickDeaths, delayMs: Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (quickDeaths - 1)) };
}
