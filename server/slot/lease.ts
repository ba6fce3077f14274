import type { Engine } from "../ports.ts";
import { count, type Use } from "./rates.ts";
import type { Slot } from "./state.ts";

/** The right to use an engine; disposing it lets the next one in. */
export interface Lease extends Disposable {
  /** Ends what it does for this lease when the lease is ended from outside, and says why. */
  readonly engine: Engine;
  /** For the rates that routing uses. */
  report(use: Use): void;
  /** The engine answered with an error or broke: routing prefers others until it works again. */
  reportFailure(): void;
}

/** A turn on the slot's engine as a lease; `onEnd` hears once that it was given back. */
export function lease(slot: Slot, engine: Engine, onEnd: () => void): Lease {
  const ending = new AbortController();
  let isHeld = true;
  slot.turns.add(ending);
  return {
    engine: endedBy(ending.signal, engine),
    report: (use) => count(slot.rates, use),
    reportFailure() {
      // What was ended for the memory's sake is no fault of the engine's.
      if (!ending.signal.aborted) slot.rates.failures++;
    },
    [Symbol.dispose]() {
      if (!isHeld) return;
      isHeld = false;
      slot.turns.delete(ending);
      onEnd();
    },
  };
}

function endedBy(end: AbortSignal, engine: Engine): Engine {
  const both = (signal: AbortSignal) => AbortSignal.any([signal, end]);
  const { relay, embed } = engine;
  return {
    ...engine,
    generate: (request, signal) => engine.generate(request, both(signal)),
    relay: relay && ((request, signal) => relay(request, both(signal))),
    embed: embed && ((texts, signal) => embed(texts, both(signal))),
  };
}
