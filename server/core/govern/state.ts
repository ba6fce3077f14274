import type { DeviceFact, GovernEffect, Priority, UnloadCause } from "./event.ts";
import type { Loadable, Need, Option } from "./loadable.ts";
import type { GovernRules } from "./rules.ts";

/** Everything the governor knows. Plain data: it can be printed, stored and replayed. Nothing in it is ever changed in place. */
export interface GovernState {
  readonly atMs: number;
  readonly devices: ReadonlyMap<string, Device>;
  readonly models: ReadonlyMap<string, Model>;
  /** In the order in which they came. */
  readonly requests: ReadonlyMap<string, Asked>;
  readonly releasing: readonly Releasing[];
  /** When a background request last went before others because it had waited too long. */
  readonly promotedMs: number;
}

export const EMPTY_STATE: GovernState = {
  atMs: 0,
  devices: new Map(),
  models: new Map(),
  requests: new Map(),
  releasing: [],
  promotedMs: Number.NEGATIVE_INFINITY,
};

/** A memory as last read, and what follows from it. */
export interface Device {
  readonly fact: DeviceFact;
  /** What others hold of it; for a while the last one known where nobody tells any more; null: not known. */
  readonly foreignBytes: number | null;
  /** When it was last told what is used of it; where it never was, when it was first told of. */
  readonly seenMs: number;
}

/**
 * Where a model stands.
 * - absent     not in memory
 * - room       its memory is promised to it; those that hold it leave first
 * - loading    its owner loads it
 * - ready      answers requests
 * - draining   answers what it has begun, is given nothing new, and is unloaded then
 * - unloading  its owner unloads it
 */
export type Phase =
  | { readonly kind: "absent" }
  | { readonly kind: "room" | "loading" | "ready" | "unloading"; readonly option: Option; readonly sinceMs: number }
  | {
      readonly kind: "draining";
      readonly cause: UnloadCause;
      readonly option: Option;
      readonly sinceMs: number;
      readonly why: string;
      /** For whom; null: it goes whoever waits. */
      readonly forKey: string | null;
    };

/** A model that somebody wants, holds or has told something about. */
export interface Model {
  readonly key: string;
  readonly loadable: Loadable;
  readonly phase: Phase;
  readonly slots: number;
  readonly active: number;
  /** Counts its loads: a request granted in an earlier one holds no slot of this one. */
  readonly life: number;
  /** Of this life. */
  readonly readyMs: number;
  /** Since when nobody uses it; null while somebody does. */
  readonly idleMs: number | null;
  readonly isTrimmed: boolean;
  readonly isPinned: boolean;
  /** To be loaded before anybody asks. */
  readonly isWanted: boolean;
  readonly isRetired: boolean;
  /** What it said it holds when it was loaded. */
  readonly held: readonly Need[] | null;
  /** What loads of an option took, or failed to find room with, where that is more than was reckoned. */
  readonly learnt: ReadonlyMap<string, readonly Need[]>;
  /** Loads in a row that failed, the latest of them for want of memory so often, and what was said. */
  readonly failures: number;
  readonly memoryFailures: number;
  readonly failure: string | null;
  /** Not loaded again before this. */
  readonly retryMs: number;
  /** After a load that found no memory: not loaded again before memory was read again, or this time is over. */
  readonly rereadMs: number;
  /** What loading it took last. */
  readonly loadMs: number | null;
  /** When it was last unloaded, for whatever reason. */
  readonly goneMs: number;
  /** When it was last unloaded for another's sake, and how often in a row it was wanted again soon after. */
  readonly evictedMs: number | null;
  readonly regrets: number;
}

/** A request that waits, or has its grant. */
export interface Asked {
  readonly request: string;
  readonly choices: readonly string[];
  readonly priority: Priority;
  readonly atMs: number;
  readonly grant: Grant | null;
  /** Whose queue it stands in. */
  readonly target: string;
  /** Choices whose load has failed while it waited. */
  readonly failed: readonly string[];
  /** Its turn may be ended for more urgent work. */
  readonly isOffered: boolean;
  /** How often that has happened to its work. */
  readonly preempted: number;
  readonly told: { readonly position: number; readonly why: string } | null;
}

/** A turn on a model. */
export interface Grant {
  readonly key: string;
  readonly life: number;
  /** It was given because its request had waited too long: it is not ended for others. */
  readonly isKept: boolean;
  /** It is being ended for more urgent work. */
  readonly isEnding: boolean;
}

/** Memory of a model that is gone, until the device shows it as free. */
export interface Releasing {
  readonly key: string;
  readonly device: string;
  readonly bytes: number;
  readonly untilMs: number;
}

/** A state in the making: maps of its own whose values are replaced, never changed. */
export interface Draft {
  readonly atMs: number;
  readonly rules: GovernRules;
  readonly devices: Map<string, Device>;
  readonly models: Map<string, Model>;
  readonly requests: Map<string, Asked>;
  releasing: readonly Releasing[];
  promotedMs: number;
  readonly effects: GovernEffect[];
}

/** Starts the next state. A clock that went backwards is taken to stand still. */
export function begin(state: GovernState, atMs: number, rules: GovernRules): Draft {
  return {
    atMs: Math.max(state.atMs, atMs),
    rules,
    devices: new Map(state.devices),
    models: new Map(state.models),
    requests: new Map(state.requests),
    releasing: state.releasing,
    promotedMs: state.promotedMs,
    effects: [],
  };
}

export function finish({ atMs, devices, models, requests, releasing, promotedMs }: Draft): GovernState {
  return { atMs, devices, models, requests, releasing, promotedMs };
}

export function modelFor(loadable: Loadable): Model {
  return {
    key: loadable.key,
    loadable,
    phase: { kind: "absent" },
    slots: loadable.slots,
    active: 0,
    life: 0,
    readyMs: 0,
    idleMs: null,
    isTrimmed: false,
    isPinned: false,
    isWanted: false,
    isRetired: false,
    held: null,
    learnt: new Map(),
    failures: 0,
    memoryFailures: 0,
    failure: null,
    retryMs: 0,
    rereadMs: 0,
    loadMs: null,
    goneMs: 0,
    evictedMs: null,
    regrets: 0,
  };
}

/** Replaces a model by itself with something changed; nothing happens for one that is not known. */
export function change(draft: Draft, key: string, patch: Partial<Model>): void {
  const before = draft.models.get(key);
  if (before) draft.models.set(key, { ...before, ...patch });
}

/** The way it is loaded, is being loaded, or will be; null: none. */
export function optionOf({ phase }: Model): Option | null {
  return phase.kind === "absent" ? null : phase.option;
}

/** Whether its memory is taken, or is being given back. */
export function isResident({ phase }: Model): boolean {
  return phase.kind !== "absent" && phase.kind !== "room";
}
