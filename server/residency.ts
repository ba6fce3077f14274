import type { Journal } from "./ports.ts";

/** An engine that is loaded. */
export interface Resident {
  readonly key: string;
  /** For people: the model and where it is. */
  readonly description: string;
}

/** Tells the journal what is loaded, as it changes: after a crash the next orchestrator loads the same. */
export function createResidency(journal: Pick<Journal, "remember" | "forget">): (now: readonly Resident[]) => void {
  let before = new Set<string>();
  return (now) => {
    const keys = new Set(now.map((it) => it.key));
    for (const { key, description } of now) if (!before.has(key)) journal.remember(key, description);
    for (const key of before) if (!keys.has(key)) journal.forget(key);
    before = keys;
  };
}
