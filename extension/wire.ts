import type { ExtensionContext, LogOutputChannel, StatusBarItem, WebviewView } from "vscode";
import * as vscode from "vscode";
import { z } from "zod";
import { serve } from "../server/protocol/requests.ts";
import type { ClientSettings } from "../server/protocol/settings.ts";
import { createAnswers } from "./answers.ts";
import type { App } from "./app.ts";
import { createOrchestrator, type Orchestrator } from "./client.ts";
import { commandTable, type Handler } from "./commands.ts";
import { createConfiguration } from "./configuration.ts";
import { createDoor } from "./door.ts";
import { createReviews } from "./edit/review.ts";
import type { CommandId } from "./ids.ts";
import type { OrchestratorState } from "./life.ts";
import { createMachineReport } from "./machineReport.ts";
import { reportDoor, reportState } from "./report.ts";
import { createSidebar } from "./sidebar/sidebar.ts";
import { createStatus, type StatusItem } from "./status.ts";
import { createTasks } from "./task.ts";

export interface RunningApp extends AsyncDisposable {
  readonly commands: Readonly<Record<CommandId, Handler>>;
  /** VS Code has made room for the sidebar. */
  openSidebar(view: WebviewView): void;
}

const Package = z.object({ version: z.string() });

/** Wires everything that is not needed before the first command. Nothing is started yet, unless the HTTP door is to be open. */
export function createApp(context: ExtensionContext, item: StatusBarItem, output: LogOutputChannel): RunningApp {
  const own = context.subscriptions;
  const kept = <T extends vscode.Disposable>(it: T): T => {
    own.push(it);
    return it;
  };
  const status = createStatus(item);
  const configuration = createConfiguration(context.secrets);
  let opening: Promise<Orchestrator> | null = null;
  let orchestrator: Orchestrator | null = null;
  const open = async (): Promise<Orchestrator> => {
    const { settings } = await configuration.read();
    orchestrator = orchestratorOf(context, { output, settings, status });
    return orchestrator;
  };
  const opened = () => (opening ??= open());
  const door = createDoor({
    serve: async (port, onEvent, signal) => void (await (await opened()).send(serve, { port }, { onEvent, signal })),
    running: async (when, signal) => await running(await opened(), when, signal),
    enter: (state) => status.showDoor(state),
    report: reportDoor,
  });
  own.push(door);
  const reconfigure = async () => {
    const { settings, door: wish } = await configuration.read();
    orchestrator?.configure(settings);
    door.configure(wish);
  };
  void reconfigure(); // a bad value is told to the user, not thrown
  const sidebar = kept(createSidebar({ extensionUri: context.extensionUri, source: opened }));
  const tasks = createTasks({ orchestrator: opened, output, status, watch: (it) => sidebar.task(it) });
  const reviews = kept(createReviews());
  const answers = kept(createAnswers(context.extensionUri));
  own.push(vscode.workspace.onDidChangeConfiguration((it) => it.affectsConfiguration("tandem") && reconfigure()));
  own.push(context.secrets.onDidChange(() => reconfigure()));

  const app: App = {
    tasks,
    reviews,
    answers,
    sidebar,
    machineReport: kept(createMachineReport()),
    configuration,
    output,
    secrets: context.secrets,
    door,
    orchestrator: opened,
    isBusy: () => tasks.isBusy(),
    isStarted: () => orchestrator?.state.kind === "running",
  };
  return {
    commands: commandTable(app),
    openSidebar: (view) => sidebar.open(view),
    async [Symbol.asyncDispose]() {
      door.dispose();
      await orchestrator?.[Symbol.asyncDispose]();
    },
  };
}

interface Surroundings {
  readonly output: LogOutputChannel;
  readonly settings: ClientSettings;
  readonly status: StatusItem;
}

/** The orchestrator of this package, as the status bar and the log follow it. */
function orchestratorOf(context: ExtensionContext, { output, settings, status }: Surroundings): Orchestrator {
  const module = vscode.Uri.joinPath(context.extensionUri, "dist", "server.js").fsPath;
  const { version } = Package.parse(context.extension.packageJSON);
  const orchestrator = createOrchestrator({ module, version, output, settings });
  const onState = (state: OrchestratorState) => {
    status.showState(state);
    reportState(state, output);
  };
  context.subscriptions.push(orchestrator.onDidChangeState(onState));
  context.subscriptions.push(orchestrator.onDidChangeStatus((it) => status.showStatus(it)));
  return orchestrator;
}

/** Resolves when the orchestrator runs, now or at the next time that it begins to; and when the signal fires. */
function running(orchestrator: Orchestrator, when: "now" | "next", signal: AbortSignal): Promise<void> {
  if (signal.aborted || (when === "now" && orchestrator.state.kind === "running")) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      subscription.dispose();
      resolve();
    };
    const subscription = orchestrator.onDidChangeState(({ kind }) => kind === "running" && done());
    signal.addEventListener("abort", done, { once: true });
  });
}
