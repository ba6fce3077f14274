import { blameOf } from "../core/blame.ts";
import { type Breaker, type BreakerEvent, breakerAfter, CLOSED_BREAKER, refusedForMs } from "../core/breaker.ts";
import { TandemError } from "../errors.ts";
import { type Emit, modelOf, type Slot, type SlotDeps } from "./state.ts";

/** What a circuit breaker is worked with. */
export interface BreakerDeps extends Pick<SlotDeps, "clock" | "log" | "onChange"> {
  /** Hears of breakers that open and close, for who counts that. */
  readonly onBreaker?: ((changed: { readonly model: string; readonly state: "open" | "closed" }) => void) | undefined;
}

/** One request's way through an engine's breaker. */
export interface Pass {
  succeeded(): void;
  failed(error: unknown): void;
  /** It ended, and said nothing of the engine. */
  undecided(): void;
}

/** Lets a request through, or throws TandemError disabled; `details.retryAfterMs` says when it may be tried again. */
export function pass(slot: Slot, emit: Emit, deps: BreakerDeps): Pass {
  const atMs = deps.clock.nowMs();
  const refusedMs = refusedForMs(slot.breaker, atMs);
  if (refusedMs !== null) throw disabled(slot, refusedMs);
  slot.breaker = breakerAfter(slot.breaker, { kind: "entered", atMs });
  const { epoch, state, why } = slot.breaker;
  if (state === "half-open")
    emit({ kind: "notice", message: `${modelOf(slot).label} is tried again after it failed: ${why}` });
  const hear = (event: Unsaid) => hears(slot, event, { ...deps, emit });
  return {
    succeeded: () => hear({ kind: "succeeded", epoch }),
    failed(error) {
      if (!isBroken(error)) return;
      hear({ kind: "failed", epoch, why: messageOf(error) });
      if (slot.breaker.state === "open") turnAway(slot, deps);
    },
    undecided: () => hear({ kind: "undecided", epoch }),
  };
}

/** Those that wait for it are better served elsewhere, and at once. */
function turnAway(slot: Slot, { clock }: BreakerDeps): void {
  const forMs = slot.breaker.untilMs - clock.nowMs();
  for (const it of [...slot.asks]) if (!it.hasTurn) it.onRefusal(disabled(slot, forMs));
}

/** Whether its breaker lets a request through at the moment. */
export function isClosed(slot: Slot, { clock }: Pick<BreakerDeps, "clock">): boolean {
  return refusedForMs(slot.breaker, clock.nowMs()) === null;
}

/** It could not even be attached to. What runs here is left alone by the governor after loads that failed. */
export function failedToOpen(slot: Slot, error: unknown, deps: BreakerDeps): void {
  if (slot.place.config.source.kind !== "endpoint" || !isBroken(error)) return;
  hears(slot, { kind: "failed", epoch: slot.breaker.epoch, why: messageOf(error) }, { ...deps, emit: () => undefined });
}

/** Closes it by hand. False: it was closed. */
export function reset(slot: Slot, deps: BreakerDeps): boolean {
  if (slot.breaker.state === "closed") return false;
  hears(slot, { kind: "reset" }, { ...deps, emit: () => undefined });
  return true;
}

/** Of so many engines that nobody has at the moment it is remembered that they failed. */
const MOST_REMEMBERED = 64;

/** Breakers of engines that nobody has any more, by their keys: whoever comes back finds them as they were. */
export function createBreakers() {
  const kept = new Map<string, Breaker>();
  return {
    keep(key: string, breaker: Breaker): void {
      if (breaker.state === "closed" && breaker.inRow === 0) return;
      kept.set(key, breaker);
      for (const oldest of kept.keys()) if (kept.size > MOST_REMEMBERED) kept.delete(oldest);
    },
    take(key: string): Breaker {
      const breaker = kept.get(key) ?? CLOSED_BREAKER;
      kept.delete(key);
      return breaker;
    },
  };
}

type Unsaid = BreakerEvent extends infer Event ? (Event extends BreakerEvent ? Omit<Event, "atMs"> : never) : never;

/** Said once per change, to the log and in the run that brought it about. */
function hears(slot: Slot, said: Unsaid, deps: BreakerDeps & { readonly emit: Emit }): void {
  const atMs = deps.clock.nowMs();
  const before = slot.breaker;
  slot.breaker = breakerAfter(before, { ...said, atMs } as BreakerEvent);
  if (slot.breaker.state === before.state) return;
  const [engine, model] = [slot.place.config.id, modelOf(slot).label];
  const { inRow, untilMs, why } = slot.breaker;
  if (slot.breaker.state === "open") {
    const openMs = Math.round(untilMs - atMs);
    deps.log.warn("breaker open", { engine, model, failures: inRow, ms: openMs, why });
    deps.emit({
      kind: "notice",
      message: `${model} failed repeatedly and gets no requests for ${seconds(openMs)}: ${why}`,
    });
    if (before.state === "closed") deps.onBreaker?.({ model, state: "open" });
  }
  if (slot.breaker.state === "closed") {
    deps.log.info("breaker closed", { engine, model, by: said.kind === "reset" ? "hand" : "success" });
    if (said.kind !== "reset") deps.emit({ kind: "notice", message: `${model} works again` });
    deps.onBreaker?.({ model, state: "closed" });
  }
  deps.onChange();
}

function disabled(slot: Slot, retryAfterMs: number): TandemError {
  const { state, why } = slot.breaker;
  const label = modelOf(slot).label;
  const message =
    state === "half-open"
      ? `${label} failed repeatedly, and another request tries it at the moment`
      : `${label} failed repeatedly and gets no requests for ${seconds(retryAfterMs)}: ${why}`;
  return new TandemError(
    "disabled",
    message,
    "Mend or start it and run `tandem reset`, or wait: it is tried again by itself",
    {
      isRetryable: true,
      details: { retryAfterMs: Math.ceil(retryAfterMs) },
    },
  );
}

function isBroken(error: unknown): boolean {
  return !(error instanceof TandemError) || blameOf(error) === "broken";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1_000))} s`;
}
