import type { LogOutputChannel } from "vscode";
import * as vscode from "vscode";
import type { TandemFailure } from "./failure.ts";
import type { OrchestratorState } from "./life.ts";
import { duration } from "./progress.ts";

/** A death is logged; only when starting again is of no use any more is the user interrupted. */
export function reportState(state: OrchestratorState, output: LogOutputChannel): void {
  switch (state.kind) {
    case "stopped":
    case "starting":
    case "running":
      output.info(`orchestrator ${state.kind}`);
      break;
    case "waiting":
      output.warn(`orchestrator stopped (${state.reason}); it is asked for again in ${duration(state.delayMs)}`);
      break;
    case "failed":
      output.error(`orchestrator stopped too often (${state.reason}); it is not started again`);
      void vscode.window
        .showErrorMessage(`Tandem's orchestrator keeps stopping: ${state.reason}.`, "Show Log", "Restart")
        .then((chosen) => {
          if (chosen === "Show Log") output.show();
          if (chosen === "Restart") void vscode.commands.executeCommand("tandem.restart");
        });
  }
}

/** The HTTP door cannot be opened: what the user can do about it. */
export function reportDoor({ message, nextStep }: TandemFailure): void {
  void vscode.window
    .showErrorMessage(`Tandem cannot be reached over HTTP: ${message}. ${nextStep}.`, "Open Settings")
    .then((chosen) => {
      if (chosen) void vscode.commands.executeCommand("workbench.action.openSettings", "tandem.http");
    });
}
