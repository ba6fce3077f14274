import type { Priority } from "../core/govern/event.ts";
import { isPreempted, throwIfAborted } from "../errors.ts";
import { type BreakerDeps, isClosed, type Pass, pass } from "./breaking.ts";
import { type Lease, lease } from "./lease.ts";
import type { Owner } from "./owner.ts";
import { failed } from "./rates.ts";
import { join, share, unlessAborted } from "./shared.ts";
import type { Ask, Emit, Prepared, Slot, SlotDeps, Turn } from "./state.ts";

/** What a request wants of the engines. */
export interface Wanted {
  readonly slot: Slot;
  /** Smaller ones that may stand in, the best first. */
  readonly others: readonly Slot[];
  readonly priority: Priority;
  /** How often its work was ended early for more urgent work; above 0 it goes on, at the front of its class. Left out: 0. */
  readonly preempted?: number;
}

/** A turn as the scheduler hands it on. */
export interface Taken {
  readonly lease: Lease;
  /** The engine it is on, and why that one where it is not the one asked for. */
  readonly slot: Slot;
  readonly why: string | null;
  /** Gives it back and waits for the next, as `Lease.resume`. */
  resume(emit: Emit, signal: AbortSignal): Promise<Taken>;
}

export interface AcquireDeps extends SlotDeps, BreakerDeps {
  readonly owner: Owner;
}

let asked = 0;

/**
 * Fetches the model if need be, and waits for a turn on its engine. Where the engine is loaded, nothing comes between the call and the
 * place in line.
 */
export async function acquire(wanted: Wanted, deps: AcquireDeps, emit: Emit, signal: AbortSignal): Promise<Taken> {
  throwIfAborted(signal);
  const { slot } = wanted;
  const { promise, resolve, reject } = Promise.withResolvers<Taken>();
  // Held from the moment that it is granted: an unload that begins then knows of it.
  const way = pass(slot, emit, deps);
  let granted: Taken | null = null;
  const onTurn = (turn: Turn) => {
    granted = taken({ ask, wanted, way, turn }, deps);
    resolve(granted);
  };
  const ask: Ask = newAsk(wanted, emit, { onTurn, onRefusal: reject });
  promise.catch(() => undefined); // refused before it is waited for
  slot.asks.add(ask);
  try {
    if (!isPrepared(slot)) {
      deps.onChange();
      await prepare(slot, emit, signal);
      ask.others = await thoseHere(
        wanted.others.filter((it) => isClosed(it, deps)),
        signal,
      );
    }
    deps.owner.want(ask, wanted.priority);
    const got = await unlessAborted(promise, signal);
    // Both may have happened before this was told of either.
    throwIfAborted(signal);
    if (got.why !== null) emit({ kind: "notice", message: got.why });
    return got;
  } catch (error) {
    way.undecided();
    deps.owner.done(ask);
    // It may have come in the same moment, even after who waits for it was turned away.
    letGo(granted);
    throw error;
  } finally {
    slot.asks.delete(ask);
    deps.onChange();
  }
}

function letGo(taken: Taken | null): void {
  taken?.lease[Symbol.dispose]();
}

/** A turn that is free now on an engine that is loaded; null otherwise. */
export function tryAcquire({ slot, priority }: Omit<Wanted, "others">, deps: AcquireDeps): Taken | null {
  const { engine } = slot;
  if (!engine || slot.asks.size > 0 || slot.turns.size >= engine.slots || !isClosed(slot, deps)) return null;
  const got: Taken[] = [];
  const wanted = { slot, others: [], priority };
  const way = pass(slot, quiet, deps);
  const onTurn = (turn: Turn) => void got.push(taken({ ask, wanted, way, turn }, deps));
  const ask: Ask = newAsk(wanted, quiet, { onTurn, onRefusal: quiet });
  deps.owner.want(ask, priority);
  const [now] = got;
  if (now) return now;
  way.undecided();
  deps.owner.done(ask);
  return null;
}

const quiet = () => undefined;

function newAsk({ slot, preempted = 0 }: Wanted, emit: Emit, answers: Pick<Ask, "onTurn" | "onRefusal">): Ask {
  const id = `r${++asked}`;
  return { ...{ id, slot, others: [], emit, why: null, hasTurn: false, turn: null, preempted }, ...answers };
}

interface Taking {
  readonly ask: Ask;
  readonly wanted: Wanted;
  readonly way: Pass;
  readonly turn: Turn;
}

function taken({ ask, wanted, way, turn }: Taking, deps: AcquireDeps): Taken {
  const { owner, log, onChange } = deps;
  const { slot, engine, why } = turn;
  const ending = new AbortController();
  ask.turn = ending;
  const resume = async (emit: Emit, signal: AbortSignal): Promise<Taken> => {
    const preempted = ask.preempted + (isPreempted(ending.signal.reason) ? 1 : 0);
    own.undecided();
    // It stands in line again before it gives back what it has.
    const next = acquire({ ...wanted, preempted }, deps, emit, signal);
    it[Symbol.dispose]();
    return next;
  };
  const own = slot === ask.slot ? way : instead({ slot, way, emit: ask.emit }, deps);
  const it = lease(slot, engine, {
    pass: own,
    ending,
    offer: () => owner.offer(ask),
    resume: async (emit, signal) => (await resume(emit, signal)).lease,
    onEnd() {
      owner.done(ask);
      if (slot.turns.size === 0) for (const idle of [...slot.onIdle]) idle();
      onChange();
    },
    onUnsettled: (error) => log.warn("engine not free", { engine: slot.place.config.id, reason: String(error) }),
  });
  return { lease: it, slot, why, resume };
}

/** Another engine answers: the one that was asked for was not tried. */
function instead({ slot, way, emit }: { slot: Slot; way: Pass; emit: Emit }, deps: AcquireDeps): Pass {
  way.undecided();
  if (isClosed(slot, deps)) return pass(slot, emit, deps);
  return { succeeded: quiet, failed: quiet, undecided: quiet };
}

/** Its file is here and what it takes is known, as far as anybody who comes now is concerned. */
function isPrepared(slot: Slot): boolean {
  return slot.prepared !== null && (slot.engine !== null || slot.loading !== null);
}

/** One preparation, however many wait for it; one that was given up is over before the next begins. */
async function prepare(slot: Slot, emit: Emit, signal: AbortSignal): Promise<void> {
  while (slot.preparing?.abort.signal.aborted) await slot.preparing.done.catch(() => undefined);
  slot.preparing ??= share((tell, stop) => prepared(slot, tell, stop));
  await join(slot.preparing, emit, signal);
}

async function prepared(slot: Slot, emit: Emit, signal: AbortSignal): Promise<Prepared> {
  try {
    slot.prepared = await slot.place.prepare(emit, signal);
    return slot.prepared;
  } catch (error) {
    if (!signal.aborted) failed(slot.rates);
    throw error;
  } finally {
    slot.preparing = null;
  }
}

/** Those that could stand in without anything being fetched. What is wrong with one costs only that. */
async function thoseHere(others: readonly Slot[], signal: AbortSignal): Promise<readonly Slot[]> {
  const here = await Promise.all(
    others.map(async (it) => {
      if (isPrepared(it)) return [it];
      if (!(await it.place.isHere())) return [];
      return prepare(it, () => undefined, signal).then(
        () => [it],
        () => [],
      );
    }),
  );
  throwIfAborted(signal);
  return here.flat();
}
