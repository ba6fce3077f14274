/** What to do after the orchestrator died. */
export type AfterDeath =
  | { readonly kind: "restart"; readonly quickDeaths: number; readonly delayMs: number }
  | { readonly kind: "give-up"; readonly quickDeaths: number };

/** What is known of a death. */
export interface Death {
  /** Deaths in a row before this one, none of them after a healthy life. */
  readonly quickDeathsBefore: number;
  readonly livedMs: number;
  /** At least 0 and less than 1: many windows notice the same death, and are not all to come back at the same instant. */
  readonly chance: number;
}

/** A life this long is healthy: deaths before it no longer count. */
export const HEALTHY_MS = 60_000;
/** This many deaths in a row without a healthy life in between, and restarting is left to the user. */
export const MAX_QUICK_DEATHS = 5;
/** The first death is an accident: the next orchestrator is asked for at once. */
const FIRST_DELAY_MS = 100;
const SECOND_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;

/** Waits up to 0.1 s, 0.5 s, 1 s, 2 s … at most 30 s before the next start; gives up when starting again clearly does not help. */
export function afterDeath({ quickDeathsBefore, livedMs, chance }: Death): AfterDeath {
  const quickDeaths = (livedMs >= HEALTHY_MS ? 0 : quickDeathsBefore) + 1;
  if (quickDeaths >= MAX_QUICK_DEATHS) return { kind: "give-up", quickDeaths };
  if (quickDeaths === 1) return { kind: "restart", quickDeaths, delayMs: FIRST_DELAY_MS * chance };
  const mostMs = Math.min(MAX_DELAY_MS, SECOND_DELAY_MS * 2 ** (quickDeaths - 2));
  return { kind: "restart", quickDeaths, delayMs: (mostMs * (1 + chance)) / 2 };
}
