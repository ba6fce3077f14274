import { TandemError } from "../errors.ts";
import type { Log } from "../ports.ts";
import { brokeOff, type Reply, transportError } from "./connection.ts";
import { pause, type Timing } from "./timing.ts";
import type { Extra } from "./wireBody.ts";

/** Times one request is asked for, the first included, as long as nothing of its answer came. */
const MAX_TRIES = 3;
/** A server that wants a longer break than this gets none of our time; the user, or another engine, is told instead. */
const MAX_WAIT_MS = 15_000;
/**
 * What passes by itself: too many requests, a gateway whose server restarts, a server that loads its model. Not 500, which these servers
 * answer to what fails again (a template, a grammar, a dead scheduler), nor 504, after which all its time would be spent once more.
 */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503]);

/** Why one try failed, and what could be done about it. */
export class AttemptFailed extends Error {
  readonly error: TandemError;
  /** Ask again after that time; 0: when the caller likes. Null: asking again would not help. */
  readonly retryAfterMs: number | null;
  /** Asking again without this may help. */
  readonly blamed: Extra | null;
  constructor(error: TandemError, more: { retryAfterMs?: number | null; blamed?: Extra | null } = {}) {
    super(error.message, { cause: error });
    this.error = error;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.blamed = more.blamed ?? null;
  }
}

export interface Trying {
  readonly timing: Timing;
  readonly log: Log;
  readonly host: string;
  /** The first wait before asking again; it doubles. */
  readonly baseMs: number;
  /** On `timing`: an answer that begins after it is of no use. */
  readonly deadlineMs: number;
  /** Another engine answers at once where this one fails: nobody waits for a pause. */
  readonly hasSuccessor?: boolean | undefined;
}

/**
 * Does what may fail for a moment, and again after a growing wait. Everything that asks an endpoint for something goes through here, and
 * only while nothing of an answer has been passed on. Throws the TandemError of the last try, or what the signal stands for.
 */
export async function retried<T>(given: Trying, act: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof AttemptFailed)) throw error;
      const waitMs = waitBefore(given, error, tries);
      if (waitMs === null) throw error.error;
      const { log, host } = given;
      log.info("endpoint asked again", { host, tries, waitMs: Math.round(waitMs), why: error.message });
      await pause(waitMs, signal, given.timing);
    }
  }
}

/** How long to wait before asking again; null when it is not worth it. */
function waitBefore(
  { timing, baseMs, deadlineMs, hasSuccessor }: Trying,
  failed: AttemptFailed,
  tries: number,
): number | null {
  const { retryAfterMs } = failed;
  if (retryAfterMs === null || hasSuccessor || tries >= MAX_TRIES || retryAfterMs > MAX_WAIT_MS) return null;
  // What the server asked for in full, and then some, or all whom it told the same would come back at the same moment.
  const waitMs = retryAfterMs + backOffMs(tries, { baseMs, maxMs: MAX_WAIT_MS }, timing.random());
  return timing.nowMs() + waitMs >= deadlineMs ? null : waitMs;
}

/**
 * Exponential back-off with equal jitter: doubles per try up to `maxMs`, of which a random half is left out so that clients do not come
 * back together. Not full jitter (anything from 0 on), which spreads a crowd better: here a few clients try three times, and three tries
 * at once would be spent before a server that restarts is back. `random` in [0, 1).
 */
export function backOffMs(tries: number, limits: { baseMs: number; maxMs: number }, random: number): number {
  const fullMs = Math.min(limits.maxMs, limits.baseMs * 2 ** (tries - 1));
  return fullMs * (0.5 + random / 2);
}

/** A failed connection as a failed try: one that broke may hold the next time. Anything else is passed through. */
export function tryFailed(error: unknown, host: string): AttemptFailed {
  if (error instanceof AttemptFailed) return error;
  return new AttemptFailed(transportError(error, host), { retryAfterMs: brokeOff(error) ? 0 : null });
}

/** A refusal, with how long to wait where it passes. */
export function refusedTry(
  reply: Pick<Reply, "status" | "headers">,
  given: { readonly error: TandemError; readonly blamed?: Extra | null },
): AttemptFailed {
  const { error, blamed = null } = given;
  // A prompt that is too long stays so, whatever its status.
  if (!PASSING.has(reply.status) || error.code === "context-length") return new AttemptFailed(error, { blamed });
  const retryAfterMs = retryAfter(reply.headers);
  if (retryAfterMs === null) return new AttemptFailed(error, { retryAfterMs: 0 });
  const details = { ...error.details, retryAfterMs };
  const told = new TandemError(error.code, error.message, error.nextStep, { cause: error, details });
  return new AttemptFailed(told, { retryAfterMs });
}

/**
 * `Retry-After` is seconds or a date (RFC 9110, section 10.2.3); the date is told from the server's own clock, where it sends that. Null
 * without one that can be read.
 */
function retryAfter(headers: Reply["headers"]): number | null {
  const wanted = headers["retry-after"];
  if (typeof wanted !== "string") return null;
  const seconds = Number(wanted);
  const sentMs = Date.parse(String(headers.date));
  const ms = Number.isFinite(seconds)
    ? seconds * 1_000
    : Date.parse(wanted) - (Number.isNaN(sentMs) ? Date.now() : sentMs);
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
