import type { Priority } from "../core/govern/event.ts";
import { type AcquireDeps, acquire, type Taken, tryAcquire } from "./acquire.ts";
import { createBreakers, reset } from "./breaking.ts";
import { createOwner, type Owner, type OwnerDeps } from "./owner.ts";
import { unlessAborted } from "./shared.ts";
import { type Emit, emptySlot, type Place, type Slot } from "./state.ts";
import { statusOf, viewOf } from "./view.ts";

export interface PoolDeps extends OwnerDeps {
  /** Whether an engine with this key was loaded when the last orchestrator died: it is loaded again at once. */
  readonly wasResident: (key: string) => boolean;
}

/** One engine, and who has it in his settings. */
export interface Pooled {
  readonly key: string;
  readonly slot: Slot;
  readonly users: Set<object>;
}

/** The engines of all clients, by what they are opened from. */
export interface Pool extends AsyncDisposable {
  /** The engine with this key, made from `place` where there is none. */
  take(key: string, place: Place, user: object): Pooled;
  /** The user no longer wants it, and has another instead: unloaded once idle if nobody else has it, and it is not pinned. */
  drop(pooled: Pooled, user: object): void;
  /** The user has gone: what is loaded stays until it has been idle for long, or another needs the memory. */
  leave(pooled: Pooled, user: object): void;
  all(): Pooled[];
  /** Throws TandemError: cancelled, model-unavailable, provider, no-memory … `others`: smaller ones that may stand in. */
  acquire(wanted: PoolWanted, emit: Emit, signal: AbortSignal): Promise<Taken>;
  /** A turn that is free now on an engine that is loaded; null otherwise. */
  tryAcquire(wanted: Pick<PoolWanted, "pooled" | "priority">): Taken | null;
  status(pooled: Pooled): ReturnType<typeof statusOf>;
  /** What routing sees of it. */
  view(pooled: Pooled): ReturnType<typeof viewOf>;
  /** Closes its circuit breaker by hand. False: it was closed. */
  reset(pooled: Pooled): boolean;
  /** Resolves when it is unloaded; at once where it is not loaded. */
  unload(pooled: Pooled, signal: AbortSignal): Promise<void>;
  pin(pooled: Pooled): void;
  unpin(pooled: Pooled): void;
}

export interface PoolWanted {
  readonly pooled: Pooled;
  readonly others: readonly Pooled[];
  readonly priority: Priority;
}

/** A load that nobody asked for is given up after this. */
const WARM_MS = 120_000;

export function createPool(deps: PoolDeps): Pool {
  const entries = new Map<string, Pooled>();
  const breakers = createBreakers();
  const watchers = new Set<() => void>();
  let handles = 0;

  function onChange(): void {
    sweep();
    for (const it of [...watchers]) it();
    deps.onChange();
  }

  const owner = createOwner({ ...deps, onChange });
  const acquiring: AcquireDeps = { ...deps, owner, onChange };

  function make(key: string, place: Place): Pooled {
    const made: Pooled = { key, slot: emptySlot(`e${++handles}`, place), users: new Set() };
    made.slot.breaker = breakers.take(key);
    entries.set(key, made);
    owner.add(made.slot);
    if (deps.wasResident(key)) void warm(made.slot, acquiring, deps);
    return made;
  }

  function retire({ key, slot }: Pooled): void {
    entries.delete(key);
    breakers.keep(key, slot.breaker);
    slot.isRetired = true;
    owner.tell({ kind: "retire", key: slot.handle });
  }

  /** What is not loaded is kept only for who has it in his settings, and for the user's word about it. */
  function sweep(): void {
    for (const it of entries.values()) if (it.users.size === 0 && !it.slot.isPinned && isUnused(it.slot)) retire(it);
    for (const it of owner.slots.values()) if (it.isRetired && isUnused(it)) owner.remove(it);
  }

  return {
    take(key, place, user) {
      const pooled = entries.get(key) ?? make(key, place);
      pooled.users.add(user);
      return renewed(pooled, place);
    },
    drop(pooled, user) {
      pooled.users.delete(user);
      // A pinned one stays where its user finds it, to unpin it.
      const isFree = pooled.users.size === 0 && !pooled.slot.isPinned;
      if (isFree && entries.get(pooled.key) === pooled) retire(pooled);
      sweep();
    },
    leave(pooled, user) {
      pooled.users.delete(user);
      sweep();
    },
    all: () => [...entries.values()],
    ...turns(owner, acquiring),
    ...userWords(owner, watchers, onChange),
    [Symbol.asyncDispose]: () => owner.close(),
  };
}

/** Turns on engines, and how these stand. */
function turns(owner: Owner, acquiring: AcquireDeps) {
  const { clock } = acquiring;
  return {
    acquire: ({ pooled, others, priority }, emit, signal) =>
      acquire({ slot: pooled.slot, others: others.map((it) => it.slot), priority }, acquiring, emit, signal),
    tryAcquire: ({ pooled, priority }) => tryAcquire({ slot: pooled.slot, priority }, acquiring),
    reset: ({ slot }) => reset(slot, acquiring),
    status: ({ slot }) => statusOf(slot, owner.state, clock.nowMs()),
    view: ({ slot }) => viewOf(slot, clock.nowMs()),
  } satisfies Partial<Pool>;
}

/** The newest place goes by the hardware as it is now; one that is loaded stays as it was. */
function renewed(pooled: Pooled, place: Place): Pooled {
  if (isGone(pooled.slot)) pooled.slot.place = place;
  return pooled;
}

/** What the user wants done with an engine. */
function userWords(owner: Owner, watchers: Set<() => void>, onChange: () => void) {
  return {
    async unload({ slot }, signal) {
      const { unloads } = slot;
      slot.isPinned = false;
      owner.tell({ kind: "release", key: slot.handle });
      await until(() => slot.unloads > unloads || isGone(slot), watchers, signal);
    },
    pin({ slot }) {
      slot.isPinned = true;
      owner.tell({ kind: "pin", key: slot.handle });
      onChange();
    },
    unpin({ slot }) {
      slot.isPinned = false;
      owner.tell({ kind: "unpin", key: slot.handle });
      onChange();
    },
  } satisfies Partial<Pool>;
}

function isGone({ engine, loading, unloading }: Slot): boolean {
  return !engine && !loading && !unloading;
}

function isUnused(slot: Slot): boolean {
  return isGone(slot) && !slot.preparing && slot.asks.size === 0 && slot.turns.size === 0;
}

async function until(isTrue: () => boolean, watchers: Set<() => void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (isTrue()) resolve();
  };
  watchers.add(look);
  look();
  try {
    await unlessAborted(promise, signal);
  } finally {
    watchers.delete(look);
  }
}

/** Nobody waits for it: requests of people go first. */
async function warm(slot: Slot, acquiring: AcquireDeps, { log }: PoolDeps): Promise<void> {
  const wanted = { slot, others: [], priority: "background" } as const;
  try {
    const { lease } = await acquire(wanted, acquiring, () => undefined, AbortSignal.timeout(WARM_MS));
    lease[Symbol.dispose]();
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    log.warn("not loaded again", { model: slot.place.expected.label, why });
  }
}
