import type { EngineConfig } from "../core/assign.ts";
import { type Breaker, CLOSED_BREAKER } from "../core/breaker.ts";
import type { GovernEvent } from "../core/govern/event.ts";
import type { Loadable, Option } from "../core/govern/loadable.ts";
import type { Clock, Engine, Log } from "../ports.ts";
import type { ModelInfo } from "../protocol/models.ts";
import type { RunEvent } from "../protocol/run.ts";
import { noRates, type Rates } from "./rates.ts";

export type Emit = (event: RunEvent) => void;

/** What the governor is told; when is the owner's to say. */
export type GovernNews = Untimed<GovernEvent>;
type Untimed<T> = T extends unknown ? Omit<T, "atMs"> : never;

/** An engine that may be opened: its configuration, what is known of its model, and how to get it. */
export interface Place {
  readonly config: EngineConfig;
  readonly expected: ModelInfo;
  /** All that comes before loading: its file is fetched, and what it would take is reckoned. Throws TandemError. */
  prepare(emit: Emit, signal: AbortSignal): Promise<Prepared>;
  /** Whether `prepare` would fetch nothing: only then it stands in for another. */
  isHere(): Promise<boolean>;
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

/** Work that several wait for; it is given up when nobody does any more. */
export interface Shared<T> {
  readonly done: Promise<T>;
  readonly abort: AbortController;
  readonly listeners: Set<Emit>;
}

/** A load under way. */
export interface Loading {
  /** Resolves when it is over, however; never rejects. */
  readonly done: Promise<void>;
  readonly abort: AbortController;
}

/** A request that waits for an engine: for what it needs to be loaded, for memory, or for its turn. */
export interface Ask {
  /** Names it for the governor. */
  readonly id: string;
  /** What it asked for. */
  readonly slot: Slot;
  /** Smaller ones that may stand in, the best first. */
  others: readonly Slot[];
  readonly emit: Emit;
  /** For what it waits beside its turn, as the governor last said; null: for nothing. */
  why: string | null;
  /** It has its turn, and waits for nothing any more. */
  hasTurn: boolean;
  /** Ends its turn early; null: it has none. */
  turn: AbortController | null;
  /** How often its work was ended early for more urgent work before. */
  readonly preempted: number;
  readonly onTurn: (turn: Turn) => void;
  readonly onRefusal: (error: unknown) => void;
}

/** The engine that a request may use now, and why that one where it is not the one asked for. */
export interface Turn {
  readonly slot: Slot;
  readonly engine: Engine;
  readonly why: string | null;
}

/** One engine, loaded or not, and everything that changes about it. Only the modules of this folder write to it. */
export interface Slot {
  /** Names it for the governor, and for all clients. */
  readonly handle: string;
  /** The newest that it was taken with while it was not loaded. */
  place: Place;
  /** As it was last prepared; null: never. */
  prepared: Prepared | null;
  preparing: Shared<Prepared> | null;
  loading: Loading | null;
  engine: Engine | null;
  /** Resolves when its process is gone; null while nobody wants that. */
  unloading: Promise<void> | null;
  /** How often it was unloaded, left by itself, or could not be loaded: who waits for that may find it loaded anew. */
  unloads: number;
  /** How often its keys and values were freed while its weights stayed. */
  trims: number;
  /** Requests that wait for it, those whose turn has come not counted. */
  readonly asks: Set<Ask>;
  /** Ends the turns on it, each by its own. */
  readonly turns: Set<AbortController>;
  /** Called when the last turn ends. */
  readonly onIdle: Set<() => void>;
  readonly rates: Rates;
  /** Whether requests are let through to it. It outlives its loads. */
  breaker: Breaker;
  /** What its last load failed with; null: it did not. */
  fault: unknown;
  /** The user wants it to stay. */
  isPinned: boolean;
  /** Nobody's settings name it any more. */
  isRetired: boolean;
}

/** The model that it has, or that loading will end with. */
export function modelOf({ engine, place }: Pick<Slot, "engine" | "place">): ModelInfo {
  return engine?.model ?? place.expected;
}

export function emptySlot(handle: string, place: Place): Slot {
  return {
    ...{
      handle,
      place,
      prepared: null,
      preparing: null,
      loading: null,
      engine: null,
      unloading: null,
      unloads: 0,
      trims: 0,
    },
    ...{
      asks: new Set(),
      turns: new Set(),
      onIdle: new Set(),
      rates: noRates(),
      breaker: CLOSED_BREAKER,
      fault: null,
      isPinned: false,
      isRetired: false,
    },
  };
}
