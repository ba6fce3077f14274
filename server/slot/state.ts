import type { EngineConfig } from "../core/assign.ts";
import type { Loadable, Option } from "../core/govern/loadable.ts";
import type { EngineView } from "../core/route.ts";
import type { Clock, Engine, Log } from "../ports.ts";
import type { ModelInfo } from "../protocol/models.ts";
import type { RunEvent } from "../protocol/run.ts";
import type { EngineStatus } from "../protocol/status.ts";

export type Emit = (event: RunEvent) => void;

/** An engine that may be opened: its configuration, what is known of its model, and how to get it. */
export interface Place {
  readonly config: EngineConfig;
  readonly expected: ModelInfo;
  /** All that comes before loading: its file is fetched, and what it would take is reckoned. Throws TandemError. */
  prepare(emit: Emit, signal: AbortSignal): Promise<Prepared>;
}

/** An engine that can be loaded now. */
export interface Prepared {
  /** What it takes, and where; its key is given by who owns the engines. */
  readonly loadable: Omit<Loadable, "key">;
  /** Loads it in one of its ways. Throws TandemError. */
  open(option: Option, emit: Emit, signal: AbortSignal): Promise<Engine>;
  /** The cheapest changes with which it would fit, for people; null: it fits, or no single change makes it. */
  waysToFit(): string | null;
}

export interface SlotDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

/** A load under way; it is given up when nobody listens any more. */
export interface Loading {
  readonly done: Promise<Engine>;
  readonly abort: AbortController;
  readonly listeners: Set<Emit>;
}

/** A task in line; `grant` gives it its turn. */
export interface Waiter {
  readonly emit: Emit;
  readonly grant: () => void;
}

/** Everything that changes about one engine. Only the modules of this folder touch it. */
export interface SlotState {
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
  /** Resolves when it was closed, after which it is not used again. */
  readonly closed: PromiseWithResolvers<void>;
}

export function emptyState(place: Place): SlotState {
  return {
    place,
    engine: null,
    loading: null,
    active: 0,
    queue: [],
    failures: 0,
    prefillPerSecond: null,
    decodePerSecond: null,
    loadMs: null,
    isRetired: false,
    closed: Promise.withResolvers(),
  };
}

/** Tasks it takes at once; one until it is loaded and has said how many. */
export function capacity(state: SlotState): number {
  return state.engine?.slots ?? 1;
}

export function viewOf(state: SlotState): EngineView {
  return {
    id: state.place.config.id,
    roles: state.place.config.roles,
    kind: kindOf(state.place.config.source),
    model: state.engine?.model ?? state.place.expected,
    device: deviceOf(state),
    isResident: state.engine !== null,
    hasRelay: relayOf(state),
    serves: state.engine?.serves ?? [],
    slots: capacity(state),
    load: state.active + state.queue.length,
    prefillPerSecond: state.prefillPerSecond,
    decodePerSecond: state.decodePerSecond,
    // A server that is already there has nothing to load.
    loadMs: state.loadMs ?? (state.place.config.source.kind === "endpoint" ? 0 : null),
    failures: state.failures,
  };
}

export function statusOf(state: SlotState): Omit<EngineStatus, "users"> {
  return {
    id: state.place.config.id,
    roles: [...state.place.config.roles],
    kind: kindOf(state.place.config.source),
    model: state.engine?.model ?? state.place.expected,
    device: deviceOf(state),
    state: state.engine ? "ready" : state.loading ? "loading" : state.failures > 0 ? "failed" : "idle",
    queued: state.queue.length,
    isBusy: state.active > 0,
    failures: state.failures,
    pid: state.engine?.pid ?? null,
    prefillTokensPerSecond: state.prefillPerSecond,
    decodeTokensPerSecond: state.decodePerSecond,
    handle: "",
    memory: [],
    isPinned: false,
    placement: state.engine?.placement ?? null,
    idleMs: null,
    waitsFor: null,
  };
}

/** Every endpoint takes OpenAI's requests; of our own engines those that are servers do. */
function relayOf({ engine, place }: SlotState): boolean | null {
  if (engine) return engine.relay !== null;
  return place.config.source.kind === "endpoint" ? true : null;
}

function deviceOf({ engine, place }: SlotState): string {
  if (engine) return engine.device;
  const { source } = place.config;
  return source.kind === "endpoint" ? source.url : source.device;
}

/** Ours to start and end, or somebody else's. */
function kindOf({ kind }: EngineConfig["source"]): "embedded" | "endpoint" {
  return kind === "endpoint" ? kind : "embedded";
}
