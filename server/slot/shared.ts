import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Emit, Shared } from "./state.ts";

export function share<T>(work: (emit: Emit, signal: AbortSignal) => Promise<T>): Shared<T> {
  const abort = new AbortController();
  const listeners = new Set<Emit>();
  const emit: Emit = (event) => {
    for (const listener of listeners) listener(event);
  };
  const done = work(emit, abort.signal);
  done.catch(() => undefined); // every listener sees the rejection through its own race
  return { done, abort, listeners };
}

/** Waits for it, and hears of it. Cancelling leaves it to the others who do. */
export async function join<T>({ done, abort, listeners }: Shared<T>, emit: Emit, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  listeners.add(emit);
  try {
    return await unlessAborted(done, signal);
  } finally {
    listeners.delete(emit);
    if (listeners.size === 0) abort.abort(new TandemError("cancelled", "Nobody waits for it any more", "Run it again"));
  }
}

/** The promise's value, or what the signal stands for if it fires first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const fired = Promise.withResolvers<never>();
  const onAbort = () => fired.reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, fired.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
