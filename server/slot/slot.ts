import { TandemError } from "../errors.ts";
import type { Engine } from "../ports.ts";
import { loaded } from "./load.ts";
import { grantFree, release, turn } from "./queue.ts";
import {
  capacity,
  type Emit,
  emptyState,
  type Place,
  type SlotDeps,
  type SlotState,
  statusOf,
  viewOf,
} from "./state.ts";

/** What one answer cost, as the engine reported it. */
export interface Use {
  /** Tokens read, those already in the KV cache not counted. */
  readonly promptTokens: number;
  readonly prefillMs: number;
  readonly completionTokens: number;
  readonly decodeMs: number;
}

/** The right to use an engine; disposing it lets the next one in. */
export interface Lease extends Disposable {
  readonly engine: Engine;
  /** For the rates that routing uses. */
  report(use: Use): void;
  /** The engine answered with an error or broke: routing prefers others until it works again. */
  reportFailure(): void;
}

/** One engine: loaded when first needed, used by as many tasks as it has slots, the others in line. */
export interface EngineSlot {
  readonly place: Place;
  view(): ReturnType<typeof viewOf>;
  status(): ReturnType<typeof statusOf>;
  /** Throws TandemError: cancelled, model-unavailable, provider, no-memory … */
  acquire(emit: Emit, signal: AbortSignal): Promise<Lease>;
  /** A turn that is free now on an engine that is loaded; null otherwise. */
  tryAcquire(): Lease | null;
  /** Closes the engine as soon as its last task is done; resolves when it is closed. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

/** Weight of the newest rate in the moving average. */
const NEWEST = 0.3;
/** An answer shorter than this says nothing about a rate. */
const LEAST_TOKENS = 4;

export function createSlot(place: Place, deps: SlotDeps): EngineSlot {
  const state = emptyState(place);
  return {
    place,
    view: () => viewOf(state),
    status: () => statusOf(state),
    async acquire(emit, signal) {
      await turn(state, deps, emit, signal);
      try {
        const engine = await loaded(state, deps, emit, signal);
        grantFree(state, deps);
        return lease(state, engine, deps);
      } catch (error) {
        end(state, deps);
        throw error;
      }
    },
    tryAcquire() {
      const { engine } = state;
      if (!engine || state.queue.length > 0 || state.active >= capacity(state)) return null;
      state.active++;
      deps.onChange();
      return lease(state, engine, deps);
    },
    retire() {
      state.isRetired = true;
      if (state.active === 0) void close(state);
      return state.closed.promise;
    },
    close: () => close(state),
  };
}

function lease(state: SlotState, engine: Engine, deps: SlotDeps): Lease {
  let isHeld = true;
  return {
    engine,
    report(use) {
      state.failures = 0;
      state.prefillPerSecond = averaged(state.prefillPerSecond, use.promptTokens, use.prefillMs);
      state.decodePerSecond = averaged(state.decodePerSecond, use.completionTokens, use.decodeMs);
    },
    reportFailure() {
      state.failures++;
    },
    [Symbol.dispose]() {
      if (isHeld) end(state, deps);
      isHeld = false;
    },
  };
}

function end(state: SlotState, deps: SlotDeps): void {
  release(state, deps);
  if (state.isRetired && state.active === 0) void close(state);
}

/** Resolves when the engine's process is gone, one that is still loading included. */
async function close(state: SlotState): Promise<void> {
  const { loading } = state;
  loading?.abort.abort(new TandemError("shutting-down", "The engine is being closed", "Run it again"));
  await loading?.done.catch(() => undefined);
  const { engine } = state;
  state.engine = null;
  await engine?.[Symbol.asyncDispose]();
  state.closed.resolve();
}

function averaged(old: number | null, tokens: number, ms: number): number | null {
  if (tokens < LEAST_TOKENS || ms <= 0) return old;
  const rate = tokens / (ms / 1000);
  return old === null ? rate : old + NEWEST * (rate - old);
}
