import type { LogOutputChannel, SecretStorage } from "vscode";
import type { Answers } from "./answers.ts";
import type { Orchestrator } from "./client.ts";
import type { Configuration } from "./configuration.ts";
import type { Door } from "./door.ts";
import type { Reviews } from "./edit/review.ts";
import type { MachineReport } from "./machineReport.ts";
import type { Sidebar } from "./sidebar/sidebar.ts";
import type { Tasks } from "./task.ts";

/** What the commands work with. */
export interface App {
  readonly tasks: Tasks;
  readonly reviews: Reviews;
  readonly answers: Answers;
  readonly configuration: Configuration;
  readonly output: LogOutputChannel;
  readonly secrets: SecretStorage;
  readonly sidebar: Sidebar;
  readonly machineReport: MachineReport;
  /** How this window asks for the HTTP door. */
  readonly door: Door;
  /** The orchestrator, not started yet where nothing has been asked of it. */
  orchestrator(): Promise<Orchestrator>;
  isBusy(): boolean;
  isStarted(): boolean;
}
