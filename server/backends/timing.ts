import { abortError, throwIfAborted } from "../errors.ts";

/** Time and chance as connections need them; tests give one whose time is theirs. */
export interface Timing {
  /** Milliseconds on a clock that never goes backwards: the one that deadlines are on. */
  nowMs(): number;
  /** In [0, 1). */
  random(): number;
  /** Calls `act` once after `ms`, unless what it returns is called before. */
  after(ms: number, act: () => void): () => void;
}

export const REAL_TIMING: Timing = {
  nowMs: () => performance.now(),
  random: Math.random,
  after(ms, act) {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
};

/** Waits. Throws what the signal stands for as soon as it fires. */
export async function pause(ms: number, signal: AbortSignal, timing: Timing = REAL_TIMING): Promise<void> {
  throwIfAborted(signal);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = timing.after(ms, resolve);
  const onAbort = () => reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await promise;
  } finally {
    stop();
    signal.removeEventListener("abort", onAbort);
  }
}
