import { type EngineConfig, sourceKey } from "./core/assign.ts";
import type { Priority } from "./core/govern/event.ts";
import { addressOf } from "./core/route/backend.ts";
import type { EngineView } from "./core/route.ts";
import { type Candidate, smallerThan } from "./core/standIn.ts";
import { TandemError } from "./errors.ts";
import type { EngineStatus } from "./protocol/status.ts";
import type { Taken } from "./slot/acquire.ts";
import type { Lease as SlotLease } from "./slot/lease.ts";
import { createPool, type Pool, type PoolDeps, type Pooled } from "./slot/pool.ts";
import type { Emit, Place } from "./slot/state.ts";

/** A turn on an engine. */
export interface Lease extends SlotLease {
  /** The client's name for the engine it is on: another than the one asked for where a smaller one stands in. */
  readonly id: string;
  /** Why it is that other one; null: it is the one asked for. */
  readonly instead: string | null;
  resume(emit: Emit, signal: AbortSignal): Promise<Lease>;
}

/** The engines as one client's tasks see them, under the names its settings give them. */
export interface Scheduler {
  /** What routing sees. It advises; `acquire` decides. */
  snapshot(): EngineView[];
  /** This client's engines first, then those that only others use. */
  status(): EngineStatus[];
  /** Waits for the model, for memory and for a turn. Throws TandemError: not-configured, cancelled, model-unavailable, no-memory … */
  acquire(id: string, emit: Emit, signal: AbortSignal): Promise<Lease>;
  /** A turn that is free this moment; null where one would have to wait, and in the cloud, of which `acquire` tells. */
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
  /** The user's word about an engine: by its handle, this client's name for it, or its model's. */
  readonly user: UserWord;
}

/** What a user may want done with an engine, whoever's it is. Each throws TandemError bad-input for a name that is none. */
export interface UserWord {
  /** Whether any engine goes by this name. */
  knows(name: string): boolean;
  /** Loads it before anybody asks for it. Throws as `acquire` does. */
  load(name: string, emit: Emit, signal: AbortSignal): Promise<EngineStatus>;
  /** Resolves when it is unloaded: once its requests are done. */
  unload(name: string, signal: AbortSignal): Promise<EngineStatus>;
  pin(name: string): EngineStatus;
  unpin(name: string): EngineStatus;
  /** Closes its circuit breaker by hand, or all of them where no name is given: handles of those that were not closed. */
  reset(name: string | undefined): string[];
}

export interface EnginePool extends AsyncDisposable {
  /** `priority`: of this client's requests. */
  join(priority: Priority): Membership;
  /** The engines that are loaded: keys, and what they are for people. */
  resident(): { readonly key: string; readonly description: string }[];
}

/** Owns the engines of all clients: two whose settings name the same engine share it. */
export function createEnginePool(deps: PoolDeps): EnginePool {
  const pool = createPool(deps);
  return {
    join: (priority) => createMembership(pool, priority, deps.onChange),
    resident: () =>
      pool.all().flatMap((pooled) => {
        const { isResident, model, device } = pool.view(pooled);
        return isResident ? [{ key: pooled.key, description: `${model.label} on ${device}` }] : [];
      }),
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

/** A client's own name and roles for an engine of the pool. */
interface Share {
  readonly config: EngineConfig;
  readonly pooled: Pooled;
}

function createMembership(pool: Pool, priority: Priority, onChange: () => void): Membership {
  const me = {};
  let shares = new Map<string, Share>();
  let isGone = false;
  const take = (key: string, place: Place): Share => ({ config: place.config, pooled: pool.take(key, place, me) });
  const isMine = (pooled: Pooled) => [...shares.values()].some((it) => it.pooled === pooled);
  const member: Membership = {
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
    snapshot: () => [...shares.values()].map((it) => shareView(it, pool)),
    status: () => [
      ...[...shares.values()].map((it) => shareStatus(it, pool)),
      ...pool.all().flatMap((it) => (isMine(it) ? [] : [foreignStatus(it, pool)])),
    ],
    async acquire(id, emit, signal) {
      const share = shares.get(id);
      if (!share)
        throw new TandemError("not-configured", `There is no engine "${id}"`, "Check tandem.draft and tandem.audit");
      const others = standIns(share, [...shares.values()], pool);
      const wanted = { pooled: share.pooled, others: others.map((it) => it.pooled), priority };
      const taken = await pool.acquire(wanted, named(id, emit), signal);
      tellOfCloud(share, emit);
      return leaseOf(taken, { id, others });
    },
    tryAcquire(id) {
      const share = shares.get(id);
      // A turn in the cloud is told of, and here nobody listens.
      if (!share || isCloud(share)) return null;
      const taken = pool.tryAcquire({ pooled: share.pooled, priority });
      return taken ? leaseOf(taken, { id, others: [] }) : null;
    },
    user: userWord(pool, () => shares, priority),
    [Symbol.dispose]() {
      isGone = true;
      const left = new Set([...shares.values()].map((it) => it.pooled));
      shares = new Map();
      for (const it of left) pool.leave(it, me);
      onChange();
    },
  };
  return member;
}

/** Whatever is sent from here on leaves this machine, and whoever shows the answer marks it. */
function tellOfCloud(share: Share, emit: Emit): void {
  const { id, source } = share.config;
  if (isCloud(share)) emit({ kind: "cloud", engine: id, host: addressOf(source) ?? id });
}

function isCloud({ config: { source } }: Share): boolean {
  return source.kind === "endpoint" && source.isCloud === true;
}

interface Names {
  readonly id: string;
  readonly others: readonly Share[];
}

/** A turn under the names that its client knows. */
function leaseOf({ lease, slot, why, resume }: Taken, names: Names): Lease {
  const { id, others } = names;
  return {
    ...lease,
    id: others.find((it) => it.pooled.slot === slot)?.config.id ?? id,
    instead: why,
    resume: async (emit, signal) => leaseOf(await resume(named(id, emit), signal), names),
  };
}

function userWord(pool: Pool, shares: () => ReadonlyMap<string, Share>, priority: Priority): UserWord {
  const find = (name: string): { readonly pooled: Pooled; readonly status: () => EngineStatus } => {
    const mine = [...shares().values()];
    const own = shares().get(name) ?? best(mine.filter((it) => hasName(it.pooled, name, pool)));
    if (own) return { pooled: own.pooled, status: () => shareStatus(own, pool) };
    const [pooled] = pool.all().filter((it) => hasName(it, name, pool));
    if (pooled) return { pooled, status: () => foreignStatus(pooled, pool) };
    throw unknownEngine(name, shares(), pool);
  };
  return {
    knows: (name) =>
      [...shares().values()].some((it) => it.config.id === name || hasName(it.pooled, name, pool)) ||
      pool.all().some((it) => hasName(it, name, pool)),
    async load(name, emit, signal) {
      const { pooled, status } = find(name);
      // Who asks for it by name wants it tried.
      pool.reset(pooled);
      const wanted = { pooled, others: [], priority };
      const { lease } = await pool.acquire(wanted, named(name, emit), signal);
      lease[Symbol.dispose]();
      return status();
    },
    async unload(name, signal) {
      const { pooled, status } = find(name);
      await pool.unload(pooled, signal);
      return status();
    },
    pin(name) {
      const { pooled, status } = find(name);
      pool.pin(pooled);
      return status();
    },
    unpin(name) {
      const { pooled, status } = find(name);
      pool.unpin(pooled);
      return status();
    },
    reset(name) {
      const meant = name === undefined ? pool.all() : [find(name).pooled];
      return meant.filter((it) => pool.reset(it)).map((it) => it.slot.handle);
    },
  };
}

function hasName(pooled: Pooled, name: string, pool: Pool): boolean {
  const { model } = pool.view(pooled);
  return [pooled.slot.handle, model.id, model.label].includes(name);
}

/** Of two engines with one model the one that is loaded. */
function best(named: readonly Share[]): Share | undefined {
  return named.find((it) => it.pooled.slot.engine !== null) ?? named[0];
}

function unknownEngine(name: string, shares: ReadonlyMap<string, Share>, pool: Pool): TandemError {
  const own = [...shares.values()].map((it) => `${it.config.id} (${pool.view(it.pooled).model.label})`);
  const mine = new Set([...shares.values()].map((it) => it.pooled));
  const others = pool.all().filter((it) => !mine.has(it));
  const foreign = others.map((it) => `${it.slot.handle} (${pool.view(it).model.label}, another client's)`);
  return new TandemError(
    "bad-input",
    `There is no engine or model "${name}"`,
    [...own, ...foreign].length === 0
      ? "No engine is set up: check tandem.draft and tandem.audit"
      : `Name one of: ${[...own, ...foreign].join(", ")}; or, to load it, a model that \`tandem models\` lists`,
  );
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

/** Which of this client's other engines may answer in its place when there is no room for it. */
function standIns(share: Share, all: readonly Share[], pool: Pool): Share[] {
  const candidate = (it: Share): Candidate & { share: Share } => {
    const { model } = pool.view(it.pooled);
    return { config: it.config, parametersB: model.parametersB, share: it };
  };
  return smallerThan(candidate(share), all.map(candidate)).map((it) => it.share);
}

/** Events name the engine as the client knows it. */
function named(id: string, emit: Emit): Emit {
  return (event) => emit("engine" in event ? { ...event, engine: id } : event);
}

function shareView({ config, pooled }: Share, pool: Pool): EngineView {
  return { ...pool.view(pooled), id: config.id, roles: config.roles };
}

function shareStatus({ config, pooled }: Share, pool: Pool): EngineStatus {
  return { ...pool.status(pooled), id: config.id, roles: [...config.roles], users: pooled.users.size };
}

function foreignStatus(pooled: Pooled, pool: Pool): EngineStatus {
  return { ...pool.status(pooled), roles: [], users: pooled.users.size };
}
