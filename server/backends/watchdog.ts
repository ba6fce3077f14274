import { TandemError } from "../errors.ts";
import type { Timing } from "./timing.ts";

/** How long one answer may take. Milliseconds. */
export interface AnswerLimits {
  readonly firstTokenMs: number;
  /** Between two tokens. */
  readonly idleMs: number;
  /** In all, tries and waits between them included. */
  readonly totalMs: number;
}

/** Which limit an error is about, beside its words. */
export type Limit = "connect" | "first-token" | "idle" | "total";

/**
 * Fires when an engine takes too long: until it writes something, between two tokens, or in all. Bytes alone do not count: a server that
 * sends comments, headers or empty events for ever is as good as a silent one.
 */
export interface Watchdog extends Disposable {
  readonly signal: AbortSignal;
  /** The model wrote something, or thought. */
  wrote(): void;
  /** It tells that another part of the prompt is read: the first token's time begins anew, within the time for all. */
  read(): void;
  /** What it wrote is being passed on: until that is taken, nobody listens, and a silence is not the engine's. */
  passing(): void;
  taken(): void;
}

export interface Watched {
  readonly host: string;
  readonly limits: AnswerLimits;
  readonly timing: Timing;
  /** On `timing`: when the whole answer has had its time. */
  readonly deadlineMs: number;
}

/** For an answer that comes in parts. */
export function createWatchdog({ host, limits, timing, deadlineMs }: Watched): Watchdog {
  const controller = new AbortController();
  const { firstTokenMs, idleMs } = limits;
  let wroteMs: number | null = null;
  let passingSinceMs: number | null = null;
  const fire = (limit: Limit, ms: number) => controller.abort(tooLate(host, limit, ms));
  let stop = timing.after(firstTokenMs, () => fire("first-token", firstTokenMs));
  const stopTotal = inTotal({ timing, deadlineMs }, (ms) => fire("total", ms));
  /** Tokens come a hundred times a second, so the timer is not set anew for each. */
  function look(): void {
    const leftMs = (wroteMs ?? 0) + idleMs - timing.nowMs();
    if (passingSinceMs !== null) stop = timing.after(idleMs, look);
    else if (leftMs > 0) stop = timing.after(leftMs, look);
    else fire("idle", idleMs);
  }
  return {
    signal: controller.signal,
    wrote() {
      const isFirst = wroteMs === null;
      wroteMs = timing.nowMs();
      if (!isFirst) return;
      stop();
      stop = timing.after(idleMs, look);
    },
    passing() {
      passingSinceMs = timing.nowMs();
    },
    taken() {
      // Only that time is not counted: what is passed on need not be a token.
      if (wroteMs !== null && passingSinceMs !== null) wroteMs += timing.nowMs() - passingSinceMs;
      passingSinceMs = null;
    },
    read() {
      if (wroteMs !== null || controller.signal.aborted) return;
      stop();
      stop = timing.after(firstTokenMs, () => fire("first-token", firstTokenMs));
    },
    [Symbol.dispose]() {
      stop();
      stopTotal();
    },
  };
}

/** For an answer that comes in one piece: nothing shows before whether it is worked on. */
export function createCeiling(given: Watched): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = inTotal(given, (ms) => controller.abort(tooLate(given.host, "total", ms)));
  return { signal: controller.signal, [Symbol.dispose]: stop };
}

function inTotal(
  { timing, deadlineMs }: Pick<Watched, "timing" | "deadlineMs">,
  act: (ms: number) => void,
): () => void {
  const ms = Math.max(0, deadlineMs - timing.nowMs());
  return timing.after(ms, () => act(ms));
}

const WORDS: Readonly<Record<Limit, { what: string; nextStep: string }>> = {
  connect: {
    what: "No connection to",
    nextStep:
      "Is the machine up, and the address right? The setting connectTimeoutSeconds says how long it is waited for",
  },
  "first-token": {
    what: "No first token from",
    nextStep:
      "Is the server overloaded? Try a smaller selection or a smaller model, or raise the setting firstTokenTimeoutSeconds",
  },
  idle: {
    what: "Nothing more from",
    nextStep:
      "Look at the server's own log. The setting idleTimeoutSeconds says how long it may be silent between tokens",
  },
  total: {
    what: "No whole answer from",
    nextStep: "Try a smaller selection or a smaller model, or raise the setting timeoutSeconds",
  },
};

/** TandemError timeout, which names the limit and the setting that it comes from; `details.limit` is the limit. */
export function tooLate(host: string, limit: Limit, ms: number, cause?: unknown): TandemError {
  const { what, nextStep } = WORDS[limit];
  // Tests have limits of milliseconds.
  const seconds = ms >= 1_000 ? Math.round(ms / 1_000) : Math.round(ms) / 1_000;
  return new TandemError("timeout", `${what} ${host} in ${seconds} s`, nextStep, { cause, details: { limit } });
}
