import type { JournalEntry } from "../../server/protocol/decisions.ts";
import type { DownloadProgress } from "../../server/protocol/models.ts";
import type { Status } from "../../server/protocol/status.ts";

/** How this window and the orchestrator stand. `stopped`: nothing was asked of it yet, and looking at the sidebar asks nothing. */
export type Standing =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting" }
  | { readonly kind: "running" }
  | { readonly kind: "waiting"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "failed"; readonly reason: string };

/** One GPU at one moment. Null: its driver did not tell. */
export interface Point {
  readonly atMs: number;
  readonly usedBytes: number | null;
  readonly busyPercent: number | null;
}

/** The machine that the window and the orchestrator are on. */
export interface Machine {
  /** Share of all cores that was busy since the status before; null: not known yet. */
  readonly busyPercent: number | null;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** What the user does to an engine. */
export type Deed = "load" | "unload" | "pin" | "unpin" | "reset";

/** How far a deed is, or a task of this window that needs the engine. */
export type Stage =
  | { readonly kind: "asked" }
  | { readonly kind: "waiting"; readonly position: number; readonly why: string | null }
  | { readonly kind: "downloading"; readonly progress: DownloadProgress }
  | { readonly kind: "loading"; readonly model: string };

/** What the extension tells the sidebar. `atMs` is the time on the wall, since 1970. */
export type ToSidebar =
  | { readonly kind: "standing"; readonly standing: Standing }
  | {
      readonly kind: "status";
      readonly status: Status;
      readonly atMs: number;
      readonly machine: Machine;
    }
  /** What was read before the sidebar was shown, by uuid. */
  | { readonly kind: "history"; readonly points: Readonly<Record<string, readonly Point[]>> }
  /** The newest first; instead of all that were told before. */
  | { readonly kind: "decisions"; readonly decisions: readonly JournalEntry[] }
  /** `engine` is its handle. */
  | { readonly kind: "doing"; readonly engine: string; readonly deed: Deed; readonly stage: Stage }
  /** `trouble`: why it could not be done, and what to do; null when it was done, or given up by the user. */
  | { readonly kind: "done"; readonly engine: string; readonly trouble: Trouble | null }
  /** A task of this window waits or downloads; null: none does any more. */
  | { readonly kind: "task"; readonly stage: Stage | null }
  /** What the sidebar itself asked for cannot be had; null: it can again. */
  | { readonly kind: "trouble"; readonly trouble: Trouble | null };

export interface Trouble {
  readonly message: string;
  readonly nextStep: string;
}

/** What the sidebar asks of the extension. */
export type FromSidebar =
  /** Its page is there, and knows nothing yet. */
  | { readonly kind: "ready" }
  /** Find the orchestrator, or start it. */
  | { readonly kind: "start" }
  | { readonly kind: "deed"; readonly deed: Deed; readonly engine: string }
  /** Give up what is being done to the engine. */
  | { readonly kind: "cancel"; readonly engine: string }
  /** Show all there is to know of a decision. */
  | { readonly kind: "decision"; readonly id: string }
  | { readonly kind: "open"; readonly what: "settings" | "log" | "restart" | "check" };
