import type { Timing } from "../../server/backends/timing.ts";

/** Turns of the event loop without anything due after which nothing more is on its way: loopback needs two or three. */
const QUIET_TURNS = 16;

/** Time that passes when everybody waits: hours in milliseconds, and in the same order every time. */
export interface VirtualTime extends Timing {
  /** Resolves when that much of its time has passed, or when `signal` fires. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets time pass until `work` is settled; gives what it gives. */
  run<T>(work: Promise<T>): Promise<T>;
}

interface Timer {
  readonly atMs: number;
  readonly act: () => void;
}

/** `random` is what chance gives: the same each time. */
export function createVirtualTime({ random = 0.5 }: { random?: number } = {}): VirtualTime {
  let nowMs = 0;
  const timers = new Set<Timer>();
  function after(ms: number, act: () => void): () => void {
    const timer = { atMs: nowMs + ms, act };
    timers.add(timer);
    return () => void timers.delete(timer);
  }
  function next(): void {
    const [first] = [...timers].sort((a, b) => a.atMs - b.atMs);
    if (first === undefined) return;
    timers.delete(first);
    nowMs = Math.max(nowMs, first.atMs);
    first.act();
  }
  return {
    nowMs: () => nowMs,
    random: () => random,
    after,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const stop = after(ms, resolve);
        signal?.addEventListener("abort", () => resolve(stop()), { once: true });
      }),
    async run(work) {
      let isSettled = false;
      const end = () => {
        isSettled = true;
      };
      work.then(end, end);
      while (!isSettled) {
        await quiet(() => isSettled);
        if (!isSettled) next();
      }
      return work;
    },
  };
}

async function quiet(isOver: () => boolean): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS && !isOver(); turn++) await new Promise((resolve) => setImmediate(resolve));
}
