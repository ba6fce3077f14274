import * as vscode from "vscode";
import type { App } from "../app.ts";
import type { CommandId } from "../ids.ts";
import { apiKeySlot } from "../settings.ts";

/** The status bar item's menu: the state in words, then everything there is to do. */
export async function menu(app: App): Promise<void> {
  const entry = (label: string, command: CommandId, description = "") => ({ label, command, description });
  const items = [
    ...(app.isBusy() ? [entry("$(stop-circle) Cancel what is running", "tandem.cancel")] : []),
    entry("$(comment-discussion) Ask…", "tandem.ask", "about the file you are in"),
    entry("$(book) Explain", "tandem.explain", "the selection, or what encloses the cursor"),
    entry("$(pulse) Check this machine", "tandem.checkMachine", "GPUs, models, and what is wrong"),
    entry("$(cloud-download) Get GPU engine…", "tandem.getEngine", "llama.cpp for CUDA or Vulkan"),
    entry("$(output) Show log", "tandem.showLog"),
    entry("$(debug-restart) Restart the orchestrator", "tandem.restart"),
    entry("$(key) Set API key…", "tandem.setApiKey", "for an endpoint in the settings"),
    entry("$(globe) Copy HTTP address and key", "tandem.copyHttpAccess", "for OpenAI clients"),
    { label: "$(gear) Settings", command: "workbench.action.openSettings", description: "", argument: "tandem." },
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: "Tandem",
    placeHolder: "What would you like to do?",
  });
  if (chosen) await vscode.commands.executeCommand(chosen.command, ...("argument" in chosen ? [chosen.argument] : []));
}

/** Keeps a key for one endpoint in the editor's secret storage; an empty one is forgotten. */
export async function setApiKey(app: App): Promise<void> {
  const endpoints = app.configuration.endpoints();
  if (endpoints.length === 0) {
    const chosen = await vscode.window.showInformationMessage(
      "Keys belong to endpoints, and none is set. The embedded engine needs no key.",
      "Open Settings",
    );
    if (chosen) await vscode.commands.executeCommand("workbench.action.openSettings", "tandem.draft.endpoint");
    return;
  }
  const [only] = endpoints;
  const endpoint =
    endpoints.length === 1 ? only : await vscode.window.showQuickPick([...endpoints], { title: "Tandem: Set API Key" });
  if (!endpoint) return;
  const key = await vscode.window.showInputBox({
    title: "Tandem: Set API Key",
    prompt: `Key for ${endpoint}, sent to this server only; leave empty to forget it`,
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) return;
  if (key.trim() === "") await app.secrets.delete(apiKeySlot(endpoint));
  else await app.secrets.store(apiKeySlot(endpoint), key.trim());
  vscode.window.setStatusBarMessage(
    `Tandem: the key for ${endpoint} is ${key.trim() === "" ? "forgotten" : "kept"}`,
    5_000,
  );
}
