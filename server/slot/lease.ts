import { blameOf } from "../core/blame.ts";
import { backendOf } from "../core/route/backend.ts";
import { contentionOf, slowdown } from "../core/route/contention.ts";
import { DEFAULT_POLICY } from "../core/route/policy.ts";
import { isPreempted, TandemError } from "../errors.ts";
import type { Engine, Piece } from "../ports.ts";
import type { RelayReply } from "../relaying.ts";
import type { Pass } from "./breaking.ts";
import { count, failed, type Use } from "./rates.ts";
import type { Emit, Slot } from "./state.ts";

/** The right to use an engine; disposing it lets the next one in, once the engine is seen to be free of what was broken off. */
export interface Lease extends Disposable {
  /** Ends what it does for this lease when the lease is ended from outside, and says why. */
  readonly engine: Engine;
  /** For the rates that routing uses; the engine works. */
  report(use: Use): void;
  /** The request failed. Whether that speaks against the engine is decided here: by what failed, and not by who broke it off. */
  reportFailure(error: unknown): void;
  /**
   * From now on the turn may be ended for more urgent work: what runs then fails with what `isPreempted` knows. Who offers it goes on with
   * another turn (`resume`); who cannot go on where he was does not offer it.
   */
  offer(): void;
  /** Gives this turn back and waits for the next, at the front of those of its priority. Throws as `acquire` does. */
  resume(emit: Emit, signal: AbortSignal): Promise<Lease>;
}

export interface LeaseHooks {
  readonly pass: Pass;
  readonly ending: AbortController;
  readonly offer: () => void;
  readonly resume: (emit: Emit, signal: AbortSignal) => Promise<Lease>;
  /** Hears once that it was given back. */
  readonly onEnd: () => void;
  /** The engine was not seen to be free in time. */
  readonly onUnsettled: (error: unknown) => void;
}

/** How long an engine may take to be seen free of a request that was broken off; then it is taken for free. */
const SETTLE_MS = 5_000;

/** A turn on the slot's engine as a lease. */
export function lease(slot: Slot, engine: Engine, hooks: LeaseHooks): Lease {
  const { pass, ending } = hooks;
  let isHeld = true;
  let isUnsettled = false;
  let hasFailed = false;
  let running = 0;
  slot.turns.add(ending);
  const end = () => {
    slot.turns.delete(ending);
    hooks.onEnd();
  };
  const giveBack = () => {
    if (!isHeld) return;
    isHeld = false;
    ending.signal.removeEventListener("abort", onEnded);
    pass.undecided();
    // One that has ended has nothing to be free of.
    if (!isUnsettled || !engine.settle || slot.engine !== engine) return end();
    void engine.settle(AbortSignal.timeout(SETTLE_MS)).then(end, (error: unknown) => {
      hooks.onUnsettled(error);
      end();
    });
  };
  // Who does nothing with a turn that others need does not hear of it before he does.
  const onEnded = () => {
    if (running === 0 && isPreempted(ending.signal.reason)) giveBack();
  };
  ending.signal.addEventListener("abort", onEnded);
  return {
    engine: endedBy(ending.signal, engine, {
      onBegun: () => {
        hasFailed = false;
        running++;
      },
      onOver: () => {
        running--;
      },
      onBrokenOff: () => {
        isUnsettled = true;
      },
    }),
    report(use) {
      // What a failed request had cost until then says nothing good of the engine.
      if (hasFailed || ending.signal.aborted) return;
      count(slot.rates, use, slowedBy(slot));
      pass.succeeded();
    },
    reportFailure(error) {
      // What was ended for the memory's sake, or for more urgent work, is no fault of the engine's.
      if (ending.signal.aborted) return;
      hasFailed = true;
      if (!(error instanceof TandemError) || blameOf(error) !== "nothing") failed(slot.rates);
      pass.failed(error);
    },
    offer: hooks.offer,
    resume: hooks.resume,
    [Symbol.dispose]: giveBack,
  };
}

/** By those that had a turn beside it, as far as that shows at its end. */
function slowedBy(slot: Slot): number {
  const { engine, place, turns } = slot;
  const at = { backend: backendOf(place.config.source), device: engine?.device ?? "" };
  return slowdown(turns.size, contentionOf(at, DEFAULT_POLICY));
}

interface Hears {
  /** A request to the engine began, or is over, however it ended. */
  readonly onBegun: () => void;
  readonly onOver: () => void;
  readonly onBrokenOff: () => void;
}

function endedBy(end: AbortSignal, engine: Engine, { onBegun, ...hears }: Hears): Engine {
  const { relay, embed } = engine;
  const begin = (signal: AbortSignal) => {
    onBegun();
    return AbortSignal.any([signal, end]);
  };
  const { onOver, onBrokenOff } = hears;
  const over = (signal: AbortSignal) => (error: unknown) => {
    if (signal.aborted) onBrokenOff();
    onOver();
    throw error;
  };
  return {
    ...engine,
    generate(request, given) {
      const signal = begin(given);
      return whole(engine.generate(request, signal), { ...hears, signal, isLast });
    },
    relay:
      relay &&
      (async (request, given) => {
        const signal = begin(given);
        const reply: RelayReply = await relay(request, signal).catch(over(signal));
        if (reply.kind === "stream")
          return { ...reply, chunks: whole(reply.chunks, { ...hears, signal, isLast: () => false }) };
        onOver();
        return reply;
      }),
    embed:
      embed &&
      ((texts, given) => {
        const signal = begin(given);
        return embed(texts, signal).then((made) => {
          onOver();
          return made;
        }, over(signal));
      }),
  };
}

function isLast(piece: Piece): boolean {
  return piece.kind === "done";
}

interface Watching<T> {
  readonly signal: AbortSignal;
  readonly isLast: (it: T) => boolean;
  readonly onOver: () => void;
  readonly onBrokenOff: () => void;
}

/** The same, and tells when it was broken off before its end: by its signal, or by who read it. */
async function* whole<T>(source: AsyncIterable<T>, { signal, isLast, onOver, onBrokenOff }: Watching<T>) {
  let isOver = false;
  try {
    for await (const it of source) {
      if (isLast(it)) isOver = true;
      yield it;
    }
    isOver = true;
  } catch (error) {
    // Who fails by himself is at work no more.
    isOver ||= !signal.aborted;
    throw error;
  } finally {
    if (!isOver) onBrokenOff();
    onOver();
  }
}
