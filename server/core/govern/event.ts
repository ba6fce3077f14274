import type { PressureLevel } from "../pressure.ts";
import type { Health } from "../telemetry.ts";
import type { ThermalLevel } from "../thermal.ts";
import type { Loadable, Need } from "./loadable.ts";

/** One memory as it was last read. Main memory is one too, by the name "cpu". */
export interface DeviceFact {
  readonly device: string;
  readonly name: string;
  readonly totalBytes: number;
  /** By whomever it is used; null: nobody tells. */
  readonly usedBytes: number | null;
  /** What is not to be given to models: the desktop's, the browser's. */
  readonly reserveBytes: number;
  /** Of the reading, not of the device. */
  readonly health: Health;
  /** Nothing was ever read of it, though its size is known and a reading may still come: that is waited for a while. */
  readonly isUnread?: true;
  readonly pressure: PressureLevel;
  readonly thermal: ThermalLevel;
  /** What each of our loaded models holds of it, where the driver tells: from key to bytes. */
  readonly held: ReadonlyMap<string, number>;
}

/** Who goes first. Background work never makes interactive work wait. */
export type Priority = "interactive" | "task" | "background";

/** What the governor hears. `atMs` is of one clock that never goes backwards. */
export type GovernEvent = { readonly atMs: number } & (
  | { readonly kind: "devices"; readonly devices: readonly DeviceFact[] }
  /** A request wants to be answered by the first of these that can be had; later ones are smaller stand-ins. */
  | {
      readonly kind: "want";
      readonly request: string;
      readonly choices: readonly Loadable[];
      readonly priority: Priority;
      /** How often its turn was ended for more urgent work: it goes on where it was, at the front of its class. Absent: never. */
      readonly preempted?: number;
    }
  /** The turn that it has may be ended for more urgent work: it can go on later. */
  | { readonly kind: "offer"; readonly request: string }
  /** It is no longer wanted, whether it waits, or has its grant. */
  | { readonly kind: "done"; readonly request: string }
  /** Ready. `held` is what it says it takes, null where it says nothing; `slots` what it answers at once, which may differ from before. */
  | {
      readonly kind: "loaded";
      readonly key: string;
      readonly held: readonly Need[] | null;
      readonly slots: number;
      readonly tookMs: number;
      /** It says that it could use none of the option's GPUs and runs on the processor: they are not taken. Absent: it is where it was put. */
      readonly isOnProcessor?: true;
    }
  | {
      readonly kind: "load-failed";
      readonly key: string;
      readonly why: "no-memory" | "other";
      readonly message: string;
    }
  /** An unload that the governor asked for is over, or the model went by itself. */
  | { readonly kind: "unloaded"; readonly key: string }
  /** The user wants it loaded before anybody asks / never unloaded by itself / as any other again / gone now. */
  | { readonly kind: "preload"; readonly model: Loadable }
  | { readonly kind: "pin"; readonly key: string }
  | { readonly kind: "unpin"; readonly key: string }
  | { readonly kind: "release"; readonly key: string }
  /** Nobody's settings name it any more: unloaded once idle. */
  | { readonly kind: "retire"; readonly key: string }
  /** Time has passed: waits, idle times and residencies are looked at. */
  | { readonly kind: "tick" }
);

/**
 * For what a model goes.
 * - room      another is loaded instead
 * - idle      nobody has used it for long
 * - pressure  its device is nearly out of memory
 * - heat      its device is too hot, or it moves to a cooler one
 * - settings  none name it any more
 * - user      he wants it gone
 */
export type UnloadCause = "room" | "idle" | "pressure" | "heat" | "settings" | "user";

/** What the governor wants done. The owner does it and reports back by events; it decides nothing itself. */
export type GovernEffect =
  | { readonly kind: "load"; readonly key: string; readonly option: string; readonly why: string }
  | {
      readonly kind: "unload";
      readonly key: string;
      readonly cause: UnloadCause;
      readonly why: string;
      /** Requests under way are given so long; 0 for an idle model. Only critical pressure ends requests. */
      readonly graceMs: number;
    }
  /** Idle: keys and values may go, the weights stay. */
  | { readonly kind: "trim"; readonly key: string; readonly why: string }
  /** The request has a turn on this model now. `why` is given where it is not the first choice. */
  | { readonly kind: "grant"; readonly request: string; readonly key: string; readonly why: string | null }
  /**
   * Its turn is to be ended now for more urgent work. It was offered, and is not over before it is `done`; who had it wants another then,
   * and says that it was `preempted`.
   */
  | { readonly kind: "preempt"; readonly request: string; readonly key: string; readonly why: string }
  /** It waits: its place among those that wait for the same, from 1, and for what. Told again when either changes. */
  | { readonly kind: "wait"; readonly request: string; readonly position: number; readonly why: string }
  /** It cannot be served: never fits, its load failed, or too many wait. */
  | {
      readonly kind: "refuse";
      readonly request: string;
      readonly why: "no-memory" | "load-failed" | "too-many";
      readonly message: string;
      readonly nextStep: string;
    };
