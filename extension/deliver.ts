import type { AnyRequest, EventOf, ParamsOf, ResultOf } from "../server/protocol/define.ts";
import { afterLoss, resendEvent } from "../server/protocol/loss.ts";
import type { Moving } from "../server/protocol/service.ts";
import { cancelled, failureOf, stopped, type TandemFailure } from "./failure.ts";

/** One request of the contract. */
export interface Order<R extends AnyRequest> {
  readonly definition: R;
  readonly params: ParamsOf<R>;
  /** In order, all before the result. A `retry` says that what came before no longer counts. */
  readonly onEvent: (event: EventOf<R>) => void;
  readonly signal: AbortSignal;
}

/** A connection as far as requests go. */
export interface Line {
  /** Rejects with TandemFailure only; with `stopped` when the orchestrator went before it had answered. */
  send<R extends AnyRequest>(order: Order<R>): Promise<ResultOf<R>>;
  readonly moving: Promise<Moving>;
  readonly gone: Promise<string>;
}

export interface Lines {
  /** The one there is, or one that is made now. */
  now(): Promise<Line>;
  /** The one after a loss, when it is time for it. */
  next(): Promise<Line>;
}

/** Orchestrators that leave before they begin, or never come to answer; more in a row is no accident. */
const MOST_MISSES = 5;
/** One that says it leaves moves or goes within this time. */
const LEAVING_MS = 5_000;

type Outcome<R extends AnyRequest> =
  | { readonly kind: "answered"; readonly result: ResultOf<R> }
  /** It was not begun, or there was nobody to send it to. */
  | { readonly kind: "missed"; readonly failure: TandemFailure }
  | {
      readonly kind: "lost";
      readonly reason: string;
      /** The orchestrator was asked to leave: the request has nothing to do with it. */
      readonly isAskedFor: boolean;
      readonly ranMs: number;
      readonly receivedChars: number;
    };

/**
 * Sends a request, and sends it again to the next orchestrator where its own goes and the contract says so. Whoever listens to the
 * events hears a `retry` then. Rejects with TandemFailure only, at once when the signal fires.
 */
export async function deliver<R extends AnyRequest>(order: Order<R>, lines: Lines): Promise<ResultOf<R>> {
  const { definition, onEvent, signal } = order;
  let line = lines.now();
  for (let sent = 1, misses = 0, attempt = 1; ; line = lines.next()) {
    const outcome = await tryOnce(order, line);
    if (outcome.kind === "answered") return outcome.result;
    if (signal.aborted) throw cancelled(signal.reason);
    if (outcome.kind === "missed" || outcome.isAskedFor) {
      misses++;
      if (outcome.kind === "missed" && misses > MOST_MISSES) throw outcome.failure;
    }
    if (outcome.kind === "missed") continue;
    const { reason, ranMs, receivedChars, isAskedFor } = outcome;
    // An orchestrator that somebody stopped did not die of this request.
    const counted = isAskedFor && misses <= MOST_MISSES ? 1 : sent++;
    const verdict = afterLoss({ definition, sent: counted, ranMs, receivedChars }, reason);
    if (verdict.kind === "give-up") throw stopped(verdict.why);
    const resent = resendEvent(definition, ++attempt, verdict.why);
    if (resent) onEvent(resent);
  }
}

async function tryOnce<R extends AnyRequest>(order: Order<R>, connecting: Promise<Line>): Promise<Outcome<R>> {
  const { onEvent, signal } = order;
  let line: Line;
  try {
    line = await unlessAborted(connecting, signal);
  } catch (error) {
    const failure = failureOf(error, null);
    if (failure.code === "stopped") return { kind: "missed", failure };
    throw failure;
  }
  let receivedChars = 0;
  const count = (event: EventOf<R>) => {
    receivedChars += charactersIn(event);
    onEvent(event);
  };
  const sentMs = performance.now();
  try {
    return { kind: "answered", result: await line.send({ ...order, onEvent: count }) };
  } catch (error) {
    const failure = failureOf(error, null);
    if (failure.code !== "stopped" && failure.code !== "shutting-down") throw failure;
    const ranMs = performance.now() - sentMs;
    const { reason, isAskedFor } = await leave(line, failure, signal);
    if (failure.details?.started === false) return { kind: "missed", failure };
    return { kind: "lost", reason, isAskedFor, ranMs, receivedChars };
  }
}

/** How the orchestrator leaves. From then on the next connection is another one. */
async function leave(line: Line, failure: TandemFailure, signal: AbortSignal) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(failure), LEAVING_MS);
  const moving = line.moving.then(({ message }) => ({ reason: asClause(message), isAskedFor: true }));
  const gone = line.gone.then((reason) => ({ reason, isAskedFor: false }));
  try {
    return await unlessAborted(Promise.race([moving, gone, late.promise]), signal);
  } finally {
    clearTimeout(timer);
  }
}

/** What is waited for, unless the user gives up first. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(cancelled(signal.reason));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function charactersIn(event: unknown): number {
  const isDraft = typeof event === "object" && event !== null && "kind" in event && event.kind === "draft";
  return isDraft && "text" in event && typeof event.text === "string" ? event.text.length : 0;
}

function asClause(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\.$/, "");
}
