import type { BreakerView } from "../protocol/traffic.ts";

/** When an engine's circuit breaker opens, and for how long. */
export interface BreakerRules {
  /** So many failures in a row open it. */
  readonly mostInRow: number;
  /** So does this share of failures among the requests of the last `windowMs`, where there were at least `leastRequests`. */
  readonly failureShare: number;
  readonly leastRequests: number;
  readonly windowMs: number;
  /** It stays open so long the first time, twice as long after each try that failed, and never longer than `longestOpenMs`. */
  readonly firstOpenMs: number;
  readonly longestOpenMs: number;
  /** A try of which nothing was heard for so long is taken for lost, and the next request tries. */
  readonly tryMs: number;
}

/**
 * - mostInRow: Envoy's outlier detection ejects after 5 (`consecutive_5xx`).
 * - failureShare: half, as in Hystrix (`errorThresholdPercentage`) and resilience4j (`failureRateThreshold`). Hystrix asks for 20 requests
 *   in 10 s; one person's machine sees fewer, so it is 10 in a minute.
 * - firstOpenMs: 5 s, Hystrix's `sleepWindow` and Polly's `BreakDuration`.
 * - longestOpenMs: Envoy stops at 300 s, for fleets that have other hosts; here somebody may have just mended the only one.
 * - tryMs: the longest that a request may take (the ceiling of 300 s).
 */
export const BREAKER_RULES: BreakerRules = {
  mostInRow: 5,
  failureShare: 0.5,
  leastRequests: 10,
  windowMs: 60_000,
  firstOpenMs: 5_000,
  longestOpenMs: 60_000,
  tryMs: 300_000,
};

/** What is known of whether an engine works. Plain data; times are of a clock that never goes backwards. */
export interface Breaker {
  readonly state: "closed" | "open" | "half-open";
  /** Failures since the last success. */
  readonly inRow: number;
  /** Ends of requests in the window, the oldest first; at most `MOST_RECENT`. */
  readonly recent: readonly { readonly atMs: number; readonly isFailure: boolean }[];
  /** How often it opened since it was closed. */
  readonly opened: number;
  /** While open: when a request may try it again. */
  readonly untilMs: number;
  /** While half-open: since when a request tries it; null: none does. */
  readonly triedMs: number | null;
  /** Counts its changes: how a request ended says nothing of it if that was let through before one of them. */
  readonly epoch: number;
  /** The last failure, for people; null while it is closed and nothing failed since the last success. */
  readonly why: string | null;
}

export const CLOSED_BREAKER: Breaker = {
  state: "closed",
  inRow: 0,
  recent: [],
  opened: 0,
  untilMs: 0,
  triedMs: null,
  epoch: 0,
  why: null,
};

/** What happens to it. `epoch`: of the breaker when the request was let through. */
export type BreakerEvent = { readonly atMs: number } & (
  | { readonly kind: "entered" | "reset" }
  | { readonly kind: "succeeded" | "undecided"; readonly epoch: number }
  | { readonly kind: "failed"; readonly epoch: number; readonly why: string }
);

/** A minute's requests of a busy engine; older ones are forgotten. */
const MOST_RECENT = 200;

/** Null: a request may go through now, and is then to be told of as `entered`. Otherwise in how many ms it may try. */
export function refusedForMs(breaker: Breaker, atMs: number, rules: BreakerRules = BREAKER_RULES): number | null {
  switch (breaker.state) {
    case "closed":
      return null;
    case "open":
      return atMs >= breaker.untilMs ? null : breaker.untilMs - atMs;
    case "half-open":
      // How long the try takes nobody knows; who is refused may ask again after the shortest time that it would be open.
      return breaker.triedMs === null || atMs - breaker.triedMs >= rules.tryMs ? null : rules.firstOpenMs;
  }
}

/** The breaker after something has happened. */
export function breakerAfter(breaker: Breaker, event: BreakerEvent, rules: BreakerRules = BREAKER_RULES): Breaker {
  switch (event.kind) {
    case "entered":
      if (breaker.state === "closed" || refusedForMs(breaker, event.atMs, rules) !== null) return breaker;
      return { ...breaker, state: "half-open", triedMs: event.atMs, epoch: breaker.epoch + 1 };
    case "reset":
      return { ...CLOSED_BREAKER, epoch: breaker.epoch + 1 };
    case "succeeded":
      return event.epoch === breaker.epoch ? worked(breaker, event.atMs, rules) : breaker;
    case "undecided":
      // The next request tries.
      return event.epoch === breaker.epoch && breaker.state === "half-open" ? { ...breaker, triedMs: null } : breaker;
    case "failed":
      return event.epoch === breaker.epoch ? failed(breaker, event, rules) : breaker;
  }
}

function worked(breaker: Breaker, atMs: number, rules: BreakerRules): Breaker {
  if (breaker.state !== "closed") return { ...CLOSED_BREAKER, epoch: breaker.epoch + 1 };
  return { ...breaker, inRow: 0, why: null, recent: within(breaker, { atMs, isFailure: false }, rules) };
}

function failed(
  breaker: Breaker,
  { atMs, why }: { readonly atMs: number; readonly why: string },
  rules: BreakerRules,
): Breaker {
  const recent = within(breaker, { atMs, isFailure: true }, rules);
  const next = { ...breaker, inRow: breaker.inRow + 1, recent, why };
  const failures = recent.filter((it) => it.isFailure).length;
  const isShare = recent.length >= rules.leastRequests && failures >= rules.failureShare * recent.length;
  if (breaker.state === "closed" && next.inRow < rules.mostInRow && !isShare) return next;
  const openMs = Math.min(rules.longestOpenMs, rules.firstOpenMs * 2 ** breaker.opened);
  return {
    ...next,
    state: "open",
    opened: breaker.opened + 1,
    untilMs: atMs + openMs,
    triedMs: null,
    epoch: breaker.epoch + 1,
  };
}

/** The oldest come first: most often the first of them is within the window, and so are all. */
function within({ recent }: Breaker, newest: Breaker["recent"][number], { windowMs }: BreakerRules): Breaker["recent"] {
  const young = recent.findIndex((it) => newest.atMs - it.atMs < windowMs);
  const from = Math.max(young === -1 ? recent.length : young, recent.length + 1 - MOST_RECENT);
  return [...recent.slice(from), newest];
}

/** For a status. One whose time is over and that nobody has tried yet counts as half-open: the next request goes through. */
export function breakerView(breaker: Breaker, atMs: number): BreakerView {
  const { state, untilMs, why } = breaker;
  if (state === "closed") return { state, retryInMs: null, why: null };
  if (state === "open" && atMs < untilMs) return { state, retryInMs: Math.ceil(untilMs - atMs), why };
  return { state: "half-open", retryInMs: null, why };
}
