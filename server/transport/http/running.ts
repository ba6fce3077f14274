import type { ServerResponse } from "node:http";
import { Refused } from "./refused.ts";

/** Requests that are being answered. */
export interface Running {
  /** Counts one until its answer is out or its client gone. Throws when there are too many. */
  enter(response: ServerResponse): void;
  /** Fires at once when the client goes, whether it waits or reads, or when the answer is broken off. */
  signalOf(response: ServerResponse): AbortSignal;
  /** Resolves when there is none, at the latest after that time. */
  empty(mostMs: number): Promise<void>;
  breakOff(reason: Error): void;
}

const RETRY_AFTER_S = 1;

export function createRunning(most: number): Running {
  const open = new Set<AbortController>();
  const empty = new Set<() => void>();
  let count = 0;

  function leave(): void {
    count--;
    if (count === 0) for (const resolve of empty) resolve();
  }

  return {
    enter(response) {
      // The client left while its key was looked up: nothing would ever take it out again.
      if (response.destroyed) return;
      if (count >= most)
        throw new Refused(429, "too_many_requests", `${count} requests are running already; ask again in a moment`, {
          headers: { "retry-after": String(RETRY_AFTER_S) },
        });
      count++;
      response.once("close", leave);
    },
    signalOf(response) {
      const abort = new AbortController();
      open.add(abort);
      response.once("close", () => {
        open.delete(abort);
        if (!response.writableFinished) abort.abort();
      });
      if (response.destroyed) abort.abort();
      return abort.signal;
    },
    async empty(mostMs) {
      if (count === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, mostMs);
      empty.add(resolve);
      await promise;
      clearTimeout(timer);
    },
    breakOff(reason) {
      for (const abort of open) abort.abort(reason);
    },
  };
}
