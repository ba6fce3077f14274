import { abortError, TandemError, throwIfAborted } from "./errors.ts";
import type { EngineConfig } from "./core/assign.ts";
import type { EngineView } from "./core/route.ts";
import type { Clock, Engine, Log } from "./ports.ts";
import type { RunEvent } from "./protocol/run.ts";
import type { EngineStatus } from "./protocol/status.ts";
import type { ModelInfo } from "./protocol/models.ts";

export type Emit = (event: RunEvent) => void;

/** The right to use an engine; disposing it lets the next one in. */
export interface Lease extends Disposable {
  readonly engine: Engine;
  /** What the engine reported, for the rates that routing uses. */
  report(use: { promptTokens: number; prefillMs: number; completionTokens: number; decodeMs: number }): void;
  /** The engine answered with an error or broke: routing prefers others until it works again. */
  reportFailure(): void;
}

export interface Scheduler extends AsyncDisposable {
  snapshot(): EngineView[];
  status(): EngineStatus[];
  /** Waits for a free slot, then for the engine to be loaded. Throws TandemError: cancelled, model-unavailable, provider, no-memory … */
  acquire(id: string, emit: Emit, signal: AbortSignal): Promise<Lease>;
  /** Replaces the engines; those that stay the same stay loaded, the others are closed once idle. */
  configure(places: readonly Place[]): void;
}

/** An engine that may be opened: its configuration, what is known of its model, and how to open it. */
export interface Place {
  readonly config: EngineConfig;
  readonly expected: ModelInfo;
  open(emit: Emit, signal: AbortSignal): Promise<Engine>;
}

export interface SchedulerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

/** A queue longer than this is a client gone wild. */
const MOST_WAITING = 64;
/** Weight of the newest rate in the moving average. */
const NEWEST = 0.3;

interface Slot {
  readonly place: Place;
  engine: Engine | null;
  loading: Loading | null;
  active: number;
  readonly queue: Waiter[];
  failures: number;
  prefillPerSecond: number | null;
  decodePerSecond: number | null;
  loadMs: number | null;
  isRetired: boolean;
}

interface Loading {
  readonly done: Promise<Engine>;
  readonly abort: AbortController;
  readonly listeners: Set<Emit>;
}

interface Waiter {
  readonly emit: Emit;
  readonly grant: () => void;
}

/** Owns the engines, who uses them and who waits. */
export function createScheduler({ clock, log, onChange }: SchedulerDeps): Scheduler {
  let slots = new Map<string, Slot>();
  const retired = new Set<Slot>();

  async function acquire(id: string, emit: Emit, signal: AbortSignal): Promise<Lease> {
    const slot = slots.get(id);
    if (!slot) throw new TandemError("not-configured", `There is no engine "${id}"`, "Check tandem.draft and tandem.audit in the settings");
    throwIfAborted(signal);
    await turn(slot, emit, signal);
    try {
      const engine = await loaded(slot, emit, signal);
      return lease(slot, engine);
    } catch (error) {
      release(slot);
      throw error;
    }
  }

  /** Resolves when a slot is this task's. A cancelled waiter leaves the queue and is never granted. */
  async function turn(slot: Slot, emit: Emit, signal: AbortSignal): Promise<void> {
    if (slot.active < capacity(slot) && slot.queue.length === 0) {
      slot.active++;
      onChange();
      return;
    }
    if (slot.queue.length >= MOST_WAITING)
      throw new TandemError("provider", `${MOST_WAITING} tasks already wait for ${slot.place.expected.label}`, "Wait for some of them, or cancel them");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { emit, grant: resolve };
    const leave = () => {
      const at = slot.queue.indexOf(waiter);
      if (at === -1) return;
      slot.queue.splice(at, 1);
      announce(slot);
      reject(abortError(signal));
    };
    slot.queue.push(waiter);
    announce(slot);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async function loaded(slot: Slot, emit: Emit, signal: AbortSignal): Promise<Engine> {
    if (slot.engine) return slot.engine;
    slot.loading ??= load(slot);
    const loading = slot.loading;
    loading.listeners.add(emit);
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([loading.done, aborted]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      loading.listeners.delete(emit);
      if (loading.listeners.size === 0 && slot.loading === loading) loading.abort.abort(signal.reason);
    }
  }

  /** One load, however many wait for it; it is given up only when nobody does any more. */
  function load(slot: Slot): Loading {
    const abort = new AbortController();
    const listeners = new Set<Emit>();
    const emitAll: Emit = (event) => {
      for (const listener of listeners) listener(event);
    };
    const startedMs = clock.nowMs();
    const done = (async () => {
      try {
        const engine = await slot.place.open(emitAll, abort.signal);
        slot.engine = engine;
        slot.loadMs = clock.nowMs() - startedMs;
        slot.failures = 0;
        log.info("engine ready", { engine: slot.place.config.id, model: engine.model.id, device: engine.device, pid: engine.pid, ms: Math.round(slot.loadMs) });
        emitAll({ kind: "ready", engine: slot.place.config.id, model: engine.model, tookMs: slot.loadMs });
        void engine.gone.then((why) => forget(slot, engine, why));
        return engine;
      } catch (error) {
        if (!abort.signal.aborted) slot.failures++;
        throw error;
      } finally {
        slot.loading = null;
        onChange();
      }
    })();
    done.catch(() => undefined); // every waiter sees the rejection through its own race
    onChange();
    return { done, abort, listeners };
  }

  function forget(slot: Slot, engine: Engine, why: string): void {
    if (slot.engine !== engine) return;
    slot.engine = null;
    slot.failures++;
    log.warn("engine gone", { engine: slot.place.config.id, why });
    onChange();
  }

  function lease(slot: Slot, engine: Engine): Lease {
    let isHeld = true;
    return {
      engine,
      report(use) {
        slot.failures = 0;
        slot.prefillPerSecond = averaged(slot.prefillPerSecond, use.promptTokens, use.prefillMs);
        slot.decodePerSecond = averaged(slot.decodePerSecond, use.completionTokens, use.decodeMs);
      },
      reportFailure() {
        slot.failures++;
      },
      [Symbol.dispose]() {
        if (isHeld) release(slot);
        isHeld = false;
      },
    };
  }

  function release(slot: Slot): void {
    slot.active--;
    const next = slot.active < capacity(slot) ? slot.queue.shift() : undefined;
    if (next) {
      slot.active++;
      next.grant();
      announce(slot);
    }
    if (slot.isRetired && slot.active === 0) void close(slot);
    onChange();
  }

  function announce(slot: Slot): void {
    slot.queue.forEach((waiter, index) => waiter.emit({ kind: "waiting", engine: slot.place.config.id, position: index + 1 }));
    onChange();
  }

  async function close(slot: Slot): Promise<void> {
    retired.delete(slot);
    slot.loading?.abort.abort(new TandemError("shutting-down", "The engine is being closed", "Run it again"));
    const engine = slot.engine;
    slot.engine = null;
    await engine?.[Symbol.asyncDispose]();
  }

  function configure(places: readonly Place[]): void {
    const next = new Map<string, Slot>();
    for (const place of places) {
      const old = slots.get(place.config.id);
      const isSame = old && JSON.stringify(old.place.config) === JSON.stringify(place.config);
      next.set(place.config.id, isSame ? old : emptySlot(place));
    }
    for (const [id, slot] of slots) {
      if (next.get(id) === slot) continue;
      slot.isRetired = true;
      retired.add(slot);
      if (slot.active === 0) void close(slot);
    }
    slots = next;
    onChange();
  }

  return {
    acquire,
    configure,
    snapshot: () => [...slots.values()].map(viewOf),
    status: () => [...slots.values()].map(statusOf),
    async [Symbol.asyncDispose]() {
      await Promise.all([...slots.values(), ...retired].map(close));
    },
  };
}

function emptySlot(place: Place): Slot {
  return { place, engine: null, loading: null, active: 0, queue: [], failures: 0, prefillPerSecond: null, decodePerSecond: null, loadMs: null, isRetired: false };
}

function capacity(slot: Slot): number {
  return slot.engine?.slots ?? 1;
}

/** Moving average of a rate in tokens per second; an answer too short to say anything leaves it as it is. */
function averaged(old: number | null, tokens: number, ms: number): number | null {
  if (tokens < 4 || ms <= 0) return old;
  const rate = tokens / (ms / 1000);
  return old === null ? rate : old + NEWEST * (rate - old);
}

function viewOf(slot: Slot): EngineView {
  return {
    id: slot.place.config.id,
    roles: slot.place.config.roles,
    model: slot.engine?.model ?? slot.place.expected,
    device: slot.engine?.device ?? deviceOf(slot.place.config),
    isResident: slot.engine !== null,
    slots: capacity(slot),
    load: slot.active + slot.queue.length,
    prefillPerSecond: slot.prefillPerSecond,
    decodePerSecond: slot.decodePerSecond,
    loadMs: slot.loadMs,
    failures: slot.failures,
  };
}

function statusOf(slot: Slot): EngineStatus {
  const state = slot.engine ? "ready" : slot.loading ? "loading" : slot.failures > 0 ? "failed" : "idle";
  return {
    id: slot.place.config.id,
    roles: [...slot.place.config.roles],
    kind: slot.place.config.source.kind,
    model: slot.engine?.model ?? slot.place.expected,
    device: slot.engine?.device ?? deviceOf(slot.place.config),
    state,
    queued: slot.queue.length,
    isBusy: slot.active > 0,
    failures: slot.failures,
    pid: slot.engine?.pid ?? null,
    prefillTokensPerSecond: slot.prefillPerSecond,
    decodeTokensPerSecond: slot.decodePerSecond,
  };
}

function deviceOf({ source }: EngineConfig): string {
  return source.kind === "embedded" ? source.device : source.url;
}
