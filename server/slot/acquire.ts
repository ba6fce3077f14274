import type { Priority } from "../core/govern/event.ts";
import { throwIfAborted } from "../errors.ts";
import { type Lease, lease } from "./lease.ts";
import type { Owner } from "./owner.ts";
import { join, share, unlessAborted } from "./shared.ts";
import type { Ask, Emit, Prepared, Slot, SlotDeps, Turn } from "./state.ts";

/** What a request wants of the engines. */
export interface Wanted {
  readonly slot: Slot;
  /** Smaller ones that may stand in, the best first. */
  readonly others: readonly Slot[];
  readonly priority: Priority;
}

/** A turn as the scheduler hands it on. */
export interface Taken {
  readonly lease: Lease;
  /** The engine it is on, and why that one where it is not the one asked for. */
  readonly slot: Slot;
  readonly why: string | null;
}

export interface AcquireDeps extends Pick<SlotDeps, "onChange"> {
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
  const ask: Ask = newAsk(slot, emit, { onTurn: (turn) => resolve(taken(ask, turn, deps)), onRefusal: reject });
  slot.asks.add(ask);
  try {
    if (!isPrepared(slot)) {
      deps.onChange();
      await prepare(slot, emit, signal);
      ask.others = await thoseHere(wanted.others, signal);
    }
    deps.owner.want(ask, wanted.priority);
    const got = await unlessAborted(promise, signal);
    // Both may have happened before this was told of either.
    throwIfAborted(signal);
    if (got.why !== null) emit({ kind: "notice", message: got.why });
    return got;
  } catch (error) {
    deps.owner.done(ask);
    void promise.then(
      ({ lease }) => lease[Symbol.dispose](),
      () => undefined,
    );
    throw error;
  } finally {
    slot.asks.delete(ask);
    deps.onChange();
  }
}

/** A turn that is free now on an engine that is loaded; null otherwise. */
export function tryAcquire({ slot, priority }: Omit<Wanted, "others">, deps: AcquireDeps): Taken | null {
  const { engine } = slot;
  if (!engine || slot.asks.size > 0 || slot.turns.size >= engine.slots) return null;
  const got: Taken[] = [];
  const onTurn = (turn: Turn) => void got.push(taken(ask, turn, deps));
  const ask: Ask = newAsk(slot, () => undefined, { onTurn, onRefusal: () => undefined });
  deps.owner.want(ask, priority);
  const [now] = got;
  if (now) return now;
  deps.owner.done(ask);
  return null;
}

function newAsk(slot: Slot, emit: Emit, answers: Pick<Ask, "onTurn" | "onRefusal">): Ask {
  return { id: `r${++asked}`, slot, others: [], emit, why: null, hasTurn: false, ...answers };
}

function taken(ask: Ask, { slot, engine, why }: Turn, { owner, onChange }: AcquireDeps): Taken {
  const end = () => {
    owner.done(ask);
    if (slot.turns.size === 0) for (const it of [...slot.onIdle]) it();
    onChange();
  };
  return { lease: lease(slot, engine, end), slot, why };
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
    if (!signal.aborted) slot.rates.failures++;
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
