import type { LogOutputChannel, SecretStorage } from "vscode";
import type { Answers } from "./answers.ts";
import type { Configuration } from "./configuration.ts";
import type { Reviews } from "./edit/review.ts";
import type { Tasks } from "./task.ts";

/** What the commands work with. */
export interface App {
  readonly tasks: Tasks;
  readonly reviews: Reviews;
  readonly answers: Answers;
  readonly configuration: Configuration;
  readonly output: LogOutputChannel;
  readonly secrets: SecretStorage;
  isBusy(): boolean;
  isStarted(): boolean;
  restart(): Promise<void>;
}
