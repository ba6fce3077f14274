import type { Disposable, Uri } from "vscode";
import * as vscode from "vscode";
import { contextKeys, previewScheme } from "../ids.ts";
import { type Applied, applyProposal } from "./apply.ts";
import { createFindingMarks } from "./marks.ts";
import { createPreviews } from "./preview.ts";
import { type Proposal, type Shown, show } from "./shown.ts";

/** Proposals under review: each is shown as a diff, and written only when it is accepted. */
export interface Reviews extends Disposable {
  open(proposal: Proposal): Promise<void>;
  /** Writes the proposal in the active editor; where it is another editor, the only one there is. */
  accept(): Promise<void>;
  /** Drops it; nothing is written. */
  reject(): Promise<void>;
}

/** Owner of the proposals that are not decided yet. */
export function createReviews(): Reviews {
  const open = new Set<Shown>();
  const previews = createPreviews();
  const marks = createFindingMarks();
  let lastId = 0;
  const active = () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab ? [...open].find((it) => it.isIn(tab)) : undefined;
  };
  const current = () => active() ?? (open.size === 1 ? [...open][0] : undefined);
  const follow = () =>
    void vscode.commands.executeCommand("setContext", contextKeys.isReviewing, active() !== undefined);
  const drop = async (shown: Shown) => {
    open.delete(shown);
    await shown.close();
    follow();
  };
  const subscriptions = [
    previews,
    marks,
    vscode.workspace.registerTextDocumentContentProvider(previewScheme, previews),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      for (const shown of open) shown.follow(document);
    }),
    vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      // A tab that moves to another group is reported as closed, and is there all the same.
      const tabs = vscode.window.tabGroups.all.flatMap((it) => it.tabs);
      for (const shown of [...open].filter((it) => closed.some(it.isIn) && !tabs.some(it.isIn))) {
        void drop(shown);
        say("the proposal was closed, nothing was written");
      }
      follow();
    }),
    vscode.window.tabGroups.onDidChangeTabGroups(follow),
  ];
  return {
    async open(proposal) {
      open.add(await show(proposal, ++lastId, { previews, marks }));
      follow();
    },
    async accept() {
      const shown = current();
      if (!shown) return;
      open.delete(shown);
      await write(shown, () => drop(shown));
    },
    async reject() {
      const shown = current();
      if (!shown) return;
      await drop(shown);
      say("rejected, nothing was written");
    },
    dispose: () => vscode.Disposable.from(...subscriptions).dispose(),
  };
}

/** Writes a proposal, or says why not and offers to run the task on the text as it is by now. */
async function write({ files, proposal }: Shown, drop: () => Promise<void>): Promise<void> {
  const applied = await tried(files);
  await drop();
  if (applied.kind === "applied") {
    if (applied.at) await reveal(applied.at.uri, applied.at.line);
    return say(`applied ${proposal.title}; undo takes it back`);
  }
  const message = `Tandem: ${applied.reason}. Run it again on the text as it is now.`;
  void vscode.window.showWarningMessage(message, "Run Again").then((chosen) => {
    if (chosen === "Run Again") proposal.again();
  });
}

/** A file that is gone by now is a reason like any other. */
async function tried(files: Shown["files"]): Promise<Applied> {
  try {
    return await applyProposal(files);
  } catch (error) {
    return { kind: "refused", reason: error instanceof Error ? error.message : String(error) };
  }
}

function say(what: string): void {
  vscode.window.setStatusBarMessage(`Tandem: ${what}`, 5_000);
}

async function reveal(uri: Uri, line: number): Promise<void> {
  const editor = await vscode.window.showTextDocument(uri);
  const at = new vscode.Position(line, 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
