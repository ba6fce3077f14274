import { TandemError } from "../errors.ts";

/** Fires when an endpoint falls silent: first before it has written anything, later between two signs of life. */
export interface Watchdog extends Disposable {
  readonly signal: AbortSignal;
  /** The model wrote something, or thought. */
  wrote(): void;
  /** Anything came over the wire. Does not count before the first `wrote`: a prompt can hang behind keep-alive comments. */
  alive(): void;
}

export function createWatchdog(limits: { firstTokenMs: number; idleMs: number; host: string }): Watchdog {
  const controller = new AbortController();
  let hasWritten = false;
  let timer = setTimeout(() => fire("No first token", limits.firstTokenMs), limits.firstTokenMs);
  function fire(what: string, ms: number): void {
    controller.abort(
      new TandemError(
        "timeout",
        `${what} from ${limits.host} in ${Math.round(ms / 1_000)} s`,
        "Is the server overloaded? Try a smaller selection or a smaller model",
      ),
    );
  }
  return {
    signal: controller.signal,
    wrote() {
      if (hasWritten) return;
      hasWritten = true;
      clearTimeout(timer);
      timer = setTimeout(() => fire("Nothing more", limits.idleMs), limits.idleMs);
    },
    alive() {
      if (hasWritten) timer.refresh();
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
    },
  };
}
