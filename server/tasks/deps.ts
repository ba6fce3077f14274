import type { Clock, Files, Log, Syntax } from "../ports.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Scheduler } from "../scheduler.ts";

/** What the main job needs of the world. */
export interface RunDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly syntax: Syntax;
  readonly files: Files;
  readonly scheduler: Scheduler;
  readonly settings: Settings;
}
