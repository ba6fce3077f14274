import { createSlot, type EngineSlot } from "./slot.ts";
import type { Place, SlotDeps } from "./state.ts";

export interface PoolDeps extends SlotDeps {
  /** Whether an engine with this key was loaded when the last orchestrator died: it is loaded again at once. */
  readonly wasResident: (key: string) => boolean;
  /** How long an engine that no client's settings name any more stays loaded, in case the next one wants it. */
  readonly lingerMs: number;
}

/** One engine, and who has it in his settings. */
export interface Pooled {
  readonly key: string;
  readonly slot: EngineSlot;
  readonly users: Set<object>;
  linger: NodeJS.Timeout | undefined;
}

/** The engines of all clients, by what they are opened from. */
export interface Pool extends AsyncDisposable {
  /** The engine with this key, made from `place` where there is none. */
  take(key: string, place: Place, user: object): Pooled;
  /** The user no longer wants it, and has another instead: closed once idle if nobody else has it. */
  drop(pooled: Pooled, user: object): void;
  /** The user has gone: the engine stays for a while. */
  leave(pooled: Pooled, user: object): void;
  all(): Pooled[];
}

/** A load that nobody asked for is given up after this. */
const WARM_MS = 120_000;

export function createPool(deps: PoolDeps): Pool {
  const entries = new Map<string, Pooled>();
  const retired = new Set<EngineSlot>();

  function make(key: string, place: Place): Pooled {
    // Room for the new one: what only lingers goes first.
    for (const it of [...entries.values()]) if (it.users.size === 0) retire(it);
    const made: Pooled = { key, slot: createSlot(place, deps), users: new Set(), linger: undefined };
    entries.set(key, made);
    if (deps.wasResident(key)) void warm(made.slot, deps);
    return made;
  }

  function retire(pooled: Pooled): void {
    clearTimeout(pooled.linger);
    if (entries.get(pooled.key) === pooled) entries.delete(pooled.key);
    retired.add(pooled.slot);
    void pooled.slot.retire().then(() => retired.delete(pooled.slot));
  }

  return {
    take(key, place, user) {
      const pooled = entries.get(key) ?? make(key, place);
      clearTimeout(pooled.linger);
      pooled.users.add(user);
      return pooled;
    },
    drop(pooled, user) {
      pooled.users.delete(user);
      if (pooled.users.size === 0) retire(pooled);
    },
    leave(pooled, user) {
      // Had under two names, it is left twice.
      if (!pooled.users.delete(user)) return;
      if (pooled.users.size === 0) pooled.linger = setTimeout(() => retire(pooled), deps.lingerMs).unref();
    },
    all: () => [...entries.values()],
    async [Symbol.asyncDispose]() {
      for (const it of entries.values()) clearTimeout(it.linger);
      await Promise.all([...[...entries.values()].map((it) => it.slot), ...retired].map((it) => it.close()));
    },
  };
}

async function warm(slot: EngineSlot, { log }: PoolDeps): Promise<void> {
  try {
    using _turn = await slot.acquire(() => undefined, AbortSignal.timeout(WARM_MS));
  } catch (error) {
    log.warn("not loaded again", {
      model: slot.view().model.label,
      why: error instanceof Error ? error.message : error,
    });
  }
}
