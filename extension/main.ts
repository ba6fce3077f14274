import type { ExtensionContext } from "vscode";
import * as vscode from "vscode";
import { commandIds, languageIds, sidebarView } from "./ids.ts";
import { createLightbulb, providedKinds } from "./lightbulb.ts";
import type { RunningApp } from "./wire.ts";

let running: Promise<RunningApp> | null = null;

/**
 * Registers what the user can see and reach, and no more: the rest of the extension is loaded, and the orchestrator
 * found or started, by the first command, or because the HTTP door is to be open.
 */
export function activate(context: ExtensionContext): void {
  const own = context.subscriptions;
  const output = vscode.window.createOutputChannel("Tandem", { log: true });
  own.push(output);
  const item = vscode.window.createStatusBarItem("tandem.status", vscode.StatusBarAlignment.Right, 50);
  own.push(item);
  item.name = "Tandem";
  item.text = "$(sparkle) Tandem";
  item.tooltip = "Tandem: ready; the orchestrator starts with the first command";
  item.command = "tandem.showSidebar";
  item.show();

  const load = (): Promise<RunningApp> => {
    running ??= import("./wire.ts").then((it) => it.createApp(context, item, output));
    return running;
  };
  for (const id of commandIds) {
    const handler = async (argument: unknown) => await (await load()).commands[id](argument);
    own.push(vscode.commands.registerCommand(id, handler));
  }
  const resolveWebviewView = async (view: vscode.WebviewView) => (await load()).openSidebar(view);
  own.push(vscode.window.registerWebviewViewProvider(sidebarView, { resolveWebviewView }));
  const openDoor = () => {
    if (vscode.workspace.getConfiguration("tandem").get("http.enabled") === true) void load();
  };
  openDoor();
  own.push(vscode.workspace.onDidChangeConfiguration((it) => it.affectsConfiguration("tandem.http") && openDoor()));
  const languages = languageIds.map((language) => ({ language }));
  own.push(
    vscode.languages.registerCodeActionsProvider(languages, createLightbulb(), {
      providedCodeActionKinds: providedKinds,
    }),
  );
}

/** Takes leave of the orchestrator, which stays as long as others use it and goes soon after the last. */
export async function deactivate(): Promise<void> {
  await (await running)?.[Symbol.asyncDispose]();
}
