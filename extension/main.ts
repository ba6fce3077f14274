import type { ExtensionContext } from "vscode";
import * as vscode from "vscode";
import { commandIds, languageIds } from "./ids.ts";
import { createLightbulb, providedKinds } from "./lightbulb.ts";
import type { RunningApp } from "./wire.ts";

let running: Promise<RunningApp> | null = null;

/**
 * Registers what the user can see and reach, and no more: the rest of the extension is loaded, and the orchestrator
 * started, by the first command.
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
  item.command = "tandem.menu";
  item.show();

  const load = (): Promise<RunningApp> => {
    running ??= import("./wire.ts").then((it) => it.createApp(context, item, output));
    return running;
  };
  for (const id of commandIds) {
    const handler = async (argument: unknown) => await (await load()).commands[id](argument);
    own.push(vscode.commands.registerCommand(id, handler));
  }
  const languages = languageIds.map((language) => ({ language }));
  own.push(
    vscode.languages.registerCodeActionsProvider(languages, createLightbulb(), {
      providedCodeActionKinds: providedKinds,
    }),
  );
}

/** Resolves when the orchestrator has gone, so that no process is left behind. */
export async function deactivate(): Promise<void> {
  await (await running)?.[Symbol.asyncDispose]();
}
