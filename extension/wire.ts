import type { ExtensionContext, LogOutputChannel, StatusBarItem } from "vscode";
import * as vscode from "vscode";
import { createAnswers } from "./answers.ts";
import type { App } from "./app.ts";
import { createOrchestrator, type Orchestrator } from "./client.ts";
import { commandTable, type Handler } from "./commands.ts";
import { createConfiguration } from "./configuration.ts";
import { createReviews } from "./edit/review.ts";
import { failureOf } from "./failure.ts";
import type { CommandId } from "./ids.ts";
import type { OrchestratorState } from "./life.ts";
import { duration } from "./progress.ts";
import { createStatus } from "./status.ts";
import { createTasks } from "./task.ts";

export interface RunningApp extends AsyncDisposable {
  readonly commands: Readonly<Record<CommandId, Handler>>;
}

/** Wires everything that is not needed before the first command. Nothing is started yet. */
export function createApp(context: ExtensionContext, item: StatusBarItem, output: LogOutputChannel): RunningApp {
  const own = context.subscriptions;
  const status = createStatus(item);
  const configuration = createConfiguration(context.secrets);
  let opening: Promise<Orchestrator> | null = null;
  let orchestrator: Orchestrator | null = null;

  const open = async (): Promise<Orchestrator> => {
    const module = vscode.Uri.joinPath(context.extensionUri, "dist", "server.js").fsPath;
    orchestrator = createOrchestrator({ module, output, settings: await configuration.read() });
    own.push(orchestrator.onDidChangeState((state) => onState(state)));
    own.push(orchestrator.onDidChangeStatus((it) => status.showStatus(it)));
    return orchestrator;
  };
  const onState = (state: OrchestratorState) => {
    status.showState(state);
    reportState(state, output);
  };
  const reconfigure = async () => orchestrator?.configure(await configuration.read());
  const opened = (): Promise<Orchestrator> => {
    opening ??= open();
    return opening;
  };
  const tasks = createTasks({ orchestrator: opened, output, status });
  const reviews = createReviews();
  own.push(reviews);
  const answers = createAnswers(context.extensionUri);
  own.push(answers);
  own.push(vscode.workspace.onDidChangeConfiguration((it) => it.affectsConfiguration("tandem") && reconfigure()));
  own.push(context.secrets.onDidChange(() => reconfigure()));

  const app: App = {
    tasks,
    reviews,
    answers,
    configuration,
    output,
    secrets: context.secrets,
    isBusy: () => tasks.isBusy(),
    isStarted: () => orchestrator?.state.kind === "running",
    async restart() {
      const restarting = opened().then((it) => it.restart());
      const options = { location: vscode.ProgressLocation.Window, title: "Tandem: restarting" };
      await vscode.window
        .withProgress(options, () => restarting)
        .then(undefined, (error: unknown) => {
          void vscode.window.showErrorMessage(failureOf(error, null).message);
        });
    },
  };
  return {
    commands: commandTable(app),
    async [Symbol.asyncDispose]() {
      await orchestrator?.[Symbol.asyncDispose]();
    },
  };
}

/** A death is logged; only when restarting is of no use any more is the user interrupted. */
function reportState(state: OrchestratorState, output: LogOutputChannel): void {
  switch (state.kind) {
    case "stopped":
    case "starting":
    case "running":
      output.info(`orchestrator ${state.kind}`);
      break;
    case "waiting":
      output.warn(`orchestrator stopped (${state.reason}); it is started again in ${duration(state.delayMs)}`);
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
