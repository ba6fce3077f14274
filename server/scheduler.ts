import { type EngineConfig, sourceKey } from "./core/assign.ts";
import type { EngineView } from "./core/route.ts";
import { TandemError } from "./errors.ts";
import type { EngineStatus } from "./protocol/status.ts";
import { createPool, type Pool, type PoolDeps, type Pooled } from "./slot/pool.ts";
import type { Lease } from "./slot/slot.ts";
import type { Emit, Place } from "./slot/state.ts";

/** The engines as one client's tasks see them, under the names its settings give them. */
export interface Scheduler {
  /** What routing sees. It advises; `acquire` decides. */
  snapshot(): EngineView[];
  /** This client's engines first, then those that only others use. */
  status(): EngineStatus[];
  /** Waits for a turn, then for the engine to be loaded. Throws TandemError: not-configured, cancelled, model-unavailable … */
  acquire(id: string, emit: Emit, signal: AbortSignal): Promise<Lease>;
  /** A turn that is free this moment; null where one would have to wait. */
  tryAcquire(id: string): Lease | null;
}

/** One client's share in the engines. Disposing it lets them go; they stay loaded for a while. From then on it takes none. */
export interface Membership extends Scheduler, Disposable {
  /** Replaces this client's engines. Those that stay the same stay loaded; others are closed once idle unless somebody else has them. */
  configure(places: readonly Place[]): void;
  /** One engine more, until the next `configure`. */
  add(place: Place): void;
  /** What an engine of this client's is opened from; null when it has none of this name. */
  sourceOf(id: string): EngineConfig["source"] | null;
  /** One engine less: closed once idle unless somebody else has it. */
  remove(id: string): void;
}

export interface EnginePool extends AsyncDisposable {
  join(): Membership;
  /** The engines that are loaded: keys, and what they are for people. */
  resident(): { readonly key: string; readonly description: string }[];
}

/** Owns the engines of all clients: two whose settings name the same engine share it. */
export function createEnginePool(deps: PoolDeps): EnginePool {
  const pool = createPool(deps);
  return {
    join: () => createMembership(pool, deps.onChange),
    resident: () =>
      pool.all().flatMap(({ key, slot }) => {
        const { isResident, model, device } = slot.view();
        return isResident ? [{ key, description: `${model.label} on ${device}` }] : [];
      }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** A client's own name and roles for an engine of the pool. */
interface Share {
  readonly config: EngineConfig;
  readonly pooled: Pooled;
}

function createMembership(pool: Pool, onChange: () => void): Membership {
  const me = {};
  let shares = new Map<string, Share>();
  let isGone = false;
  const take = (key: string, place: Place): Share => ({ config: place.config, pooled: pool.take(key, place, me) });
  const isMine = (pooled: Pooled) => [...shares.values()].some((it) => it.pooled === pooled);
  return {
    configure(places) {
      if (isGone) return;
      const old = [...shares.values()];
      shares = new Map(keyed(places).map(([key, place]) => [place.config.id, take(key, place)]));
      for (const { pooled } of old) if (!isMine(pooled)) pool.drop(pooled, me);
      onChange();
    },
    add(place) {
      if (isGone) return;
      shares.set(place.config.id, take(sourceKey(place.config.source, 0), place));
      onChange();
    },
    sourceOf: (id) => shares.get(id)?.config.source ?? null,
    remove(id) {
      const gone = shares.get(id);
      shares.delete(id);
      if (gone && !isMine(gone.pooled)) pool.drop(gone.pooled, me);
      onChange();
    },
    snapshot: () => [...shares.values()].map(viewOf),
    status: () => [
      ...[...shares.values()].map(statusOf),
      ...pool.all().flatMap((it) => (isMine(it) ? [] : [foreignStatus(it)])),
    ],
    async acquire(id, emit, signal) {
      const share = shares.get(id);
      if (share) return share.pooled.slot.acquire(named(id, emit), signal);
      throw new TandemError("not-configured", `There is no engine "${id}"`, "Check tandem.draft and tandem.audit");
    },
    tryAcquire: (id) => shares.get(id)?.pooled.slot.tryAcquire() ?? null,
    [Symbol.dispose]() {
      isGone = true;
      for (const { pooled } of shares.values()) pool.leave(pooled, me);
      shares = new Map();
      onChange();
    },
  };
}

/** Draft and audit from one model are two engines, so that they overlap: the second of a kind has a key of its own. */
function keyed(places: readonly Place[]): [string, Place][] {
  const seen = new Map<string, number>();
  return places.map((place) => {
    const first = sourceKey(place.config.source, 0);
    const nth = seen.get(first) ?? 0;
    seen.set(first, nth + 1);
    return [sourceKey(place.config.source, nth), place];
  });
}

/** Events name the engine as the client knows it. */
function named(id: string, emit: Emit): Emit {
  return (event) => emit("engine" in event ? { ...event, engine: id } : event);
}

function viewOf({ config, pooled }: Share): EngineView {
  return { ...pooled.slot.view(), id: config.id, roles: config.roles };
}

function statusOf({ config, pooled }: Share): EngineStatus {
  return { ...pooled.slot.status(), id: config.id, roles: [...config.roles], users: pooled.users.size };
}

function foreignStatus({ slot, users }: Pooled): EngineStatus {
  return { ...slot.status(), roles: [], users: users.size };
}
