import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Event, Tab, TextEditor } from "vscode";
import * as vscode from "vscode";
import type { Script } from "../../fakes/openaiScript.ts";
import { type FakeLlama, type FakeRequest, startFakeLlama } from "../../fakes/openaiServer.ts";

const UNTIL_TIMEOUT_MS = 15_000;

/** A function worth documenting, and what the scripted model writes for it. */
export const SOURCE = "export function double(value: number): number {\n  return value * 2;\n}\n";
export const DOCUMENTED = /^\/\*\*[\s\S]*Twice the value\.[\s\S]*\*\/\nexport function double/;
export const DOCSTRING = "```typescript\n/** Twice the value. */\n```";

/** Waits until `check` holds, looking again at every `event`; says what it waited for when it never does. */
export async function until(what: string, event: Event<unknown>, check: () => boolean): Promise<void> {
  if (check()) return;
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(() => done.reject(new Error(`never happened: ${what}`)), UNTIL_TIMEOUT_MS);
  const subscription = event(() => {
    if (check()) done.resolve();
  });
  try {
    await done.promise;
  } finally {
    clearTimeout(timer);
    subscription.dispose();
  }
}

/** Writes a file into the workspace and opens it with the cursor on its first line. */
export async function openSource(name: string, text: string): Promise<TextEditor> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert.ok(folder, "the tests need a workspace");
  const path = join(folder, name);
  await writeFile(path, text);
  const editor = await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: false });
  editor.selection = new vscode.Selection(0, 0, 0, 0);
  return editor;
}

export async function closeEverything(): Promise<void> {
  for (const document of vscode.workspace.textDocuments)
    if (document.isDirty && document.uri.scheme === "file") {
      await vscode.window.showTextDocument(document);
      await vscode.commands.executeCommand("workbench.action.files.revert");
    }
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
}

/** Starts a scripted model and points both roles at it. Audits are approved; `reply` answers everything else. */
export async function useModel(reply: (request: FakeRequest) => string | Script): Promise<FakeLlama> {
  const isAudit = (request: FakeRequest) => request.prompt.includes("You review code");
  const fake = await startFakeLlama({ reply: (it) => (isAudit(it) ? '{"ok":true}' : reply(it)) });
  await setting("draft.endpoint", fake.url);
  await setting("audit.endpoint", fake.url);
  return fake;
}

export async function setting(key: string, value: unknown): Promise<void> {
  await vscode.workspace.getConfiguration("tandem").update(key, value, vscode.ConfigurationTarget.Global);
}

export function diffTab(): Tab | undefined {
  const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
  return tabs.find((tab) => tab.input instanceof vscode.TabInputTextDiff);
}

/** Waits for the proposal's diff and answers with the proposed text. */
export async function proposal(): Promise<string> {
  await until("a diff opens", vscode.window.tabGroups.onDidChangeTabs, () => diffTab() !== undefined);
  const input = diffTab()?.input;
  assert.ok(input instanceof vscode.TabInputTextDiff);
  return (await vscode.workspace.openTextDocument(input.modified)).getText();
}

/** What the user was told since the test began. */
export interface Overheard {
  readonly messages: readonly string[];
  /** The first message, already there or to come, that matches. */
  next(pattern: RegExp): Promise<string>;
  forget(): void;
}

/** In notifications that ask for attention. Each goes away without an answer. */
export const told = overhear((hear) => {
  for (const name of ["showErrorMessage", "showWarningMessage", "showInformationMessage"])
    Reflect.set(vscode.window, name, async (message: string) => hear(message));
});

/** In notifications of progress, which are shown all the same. */
export const progressed = overhear((hear) => {
  const { withProgress } = vscode.window;
  const overheard: typeof withProgress = (options, task) =>
    withProgress.call(vscode.window, options, (progress, token) => {
      const report: typeof progress.report = (step) => {
        if (step.message !== undefined) hear(step.message);
        progress.report(step);
      };
      return task({ report }, token);
    }) as ReturnType<typeof task>;
  Reflect.set(vscode.window, "withProgress", overheard);
});

function overhear(listen: (hear: (message: string) => void) => void): Overheard {
  let messages: string[] = [];
  const heard = new vscode.EventEmitter<void>();
  listen((message) => {
    messages.push(message);
    heard.fire();
  });
  return {
    get messages() {
      return messages;
    },
    async next(pattern) {
      const find = () => messages.find((it) => pattern.test(it));
      await until(`a message like ${pattern}`, heard.event, () => find() !== undefined);
      return find() ?? "";
    },
    forget() {
      messages = [];
    },
  };
}
