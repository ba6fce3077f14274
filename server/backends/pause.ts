import { setTimeout as wait } from "node:timers/promises";
import { abortError } from "../errors.ts";

/** Exponential back-off: doubles per attempt up to `maxMs`, of which a random half is left out so that clients do not come back together. */
export function backOffMs(attempt: number, limits: { baseMs: number; maxMs: number }): number {
  const fullMs = Math.min(limits.maxMs, limits.baseMs * 2 ** (attempt - 1));
  return fullMs * (0.5 + Math.random() / 2);
}

/** Waits. Throws what the signal stands for as soon as it fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal });
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    throw error;
  }
}
