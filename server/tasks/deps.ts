import type { Privacy } from "../core/cloud.ts";
import type { Use } from "../core/openai/named.ts";
import type { EngineView, Warmth } from "../core/route.ts";
import type { Clock, Files, Log, Syntax } from "../ports.ts";
import type { ModelInfo, Role } from "../protocol/models.ts";
import type { RouteRecord } from "../protocol/routing.ts";
import type { Settings } from "../protocol/settings.ts";
import type { ChunkSink } from "../relaying.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Tickets } from "./tickets.ts";

/** What the main job needs of the world. */
export interface RunDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly syntax: Syntax;
  readonly files: Files;
  /** What may leave this machine. */
  readonly privacy: Privacy;
  readonly scheduler: Scheduler;
  readonly settings: Settings;
  /** The client's names for its runs; left out: no audit can be ended by name. */
  readonly tickets?: Tickets;
  /** Hears what this request's next decision is made from, for the journal alone; left out: nobody keeps it. */
  readonly note?: (input: RouteRecord) => void;
  /**
   * What engines may hold of the keys and values of the beginning of a prompt (`promptTexts`), and would have to forget for it; left out:
   * nobody remembers.
   */
  readonly warm?: (texts: readonly string[], engines: readonly EngineView[]) => Warmth;
  /** A number in [0, 1), another each time: it decides between equals. */
  readonly draw: () => number;
}

/** What requests in OpenAI's shape need of it. */
export interface OpenAiDeps
  extends Pick<RunDeps, "clock" | "log" | "privacy" | "scheduler" | "settings" | "note" | "warm" | "draw"> {
  readonly pin: Pin;
  readonly stamp: () => Stamp;
  /** Models that `pin` knows by name, for a client that named another one. */
  readonly openable: readonly string[];
  /** Those of them that need no download. */
  readonly cached: () => Promise<readonly CachedModel[]>;
  /** Where the chunks of a stream go as JSON; left out, they are events. */
  readonly sink?: ChunkSink | undefined;
}

/**
 * Makes an engine for a model that no engine of the session has, and returns its name in the scheduler; null where nobody knows the
 * model. It returns at once: the engine is opened by who acquires it. Throws TandemError when there are too many already.
 */
export type Pin = (model: string, use: Use) => string | null;

export interface CachedModel extends Pick<ModelInfo, "id" | "contextTokens"> {
  readonly roles: Role[];
}

/** A new name that nothing else has, and the time on the wall: what a pure step cannot make. */
export interface Stamp {
  readonly id: string;
  readonly atMs: number;
}
