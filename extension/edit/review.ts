import type { Disposable, Tab, Uri } from "vscode";
import * as vscode from "vscode";
import { contextKeys, previewScheme } from "../ids.ts";
import { applyProposal } from "./apply.ts";
import { createFindingMarks } from "./marks.ts";
import { createPreviews, previewUri, reviewOf } from "./preview.ts";
import { byFile, type EditResult, type FileProposal, placeFindings, proposedText } from "./proposal.ts";

export interface Proposal {
  /** "docstring for median()" */
  readonly title: string;
  readonly result: EditResult;
  /** The text of a file as the task saw it; null for files it read itself. */
  readonly seen: { readonly uri: string; readonly languageId: string; readonly text: string } | null;
  /** Makes the task run once more, on the text as it is by then. */
  readonly again: () => void;
}

/** Proposals under review: each is shown as a diff, and written only when it is accepted. */
export interface Reviews extends Disposable {
  open(proposal: Proposal): Promise<void>;
  /** Writes the proposal in the active editor, or the newest one. */
  accept(): Promise<void>;
  /** Drops it; nothing is written. */
  reject(): Promise<void>;
}

interface Review {
  readonly id: number;
  readonly title: string;
  readonly proposal: Proposal;
  readonly files: readonly FileProposal[];
  /** How to decide, in the status bar for as long as it is to be decided. */
  readonly hint: Disposable;
}

export function createReviews(): Reviews {
  const reviews = new Map<number, Review>();
  const previews = createPreviews();
  const marks = createFindingMarks();
  let lastId = 0;

  const active = () => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab ? [...reviews.values()].find((it) => isTabOf(it, tab)) : undefined;
  };
  const follow = () => {
    const isReviewing = active() !== undefined;
    void vscode.commands.executeCommand("setContext", contextKeys.isReviewing, isReviewing);
  };
  const drop = async (review: Review) => {
    reviews.delete(review.id);
    review.hint.dispose();
    const tabs = vscode.window.tabGroups.all.flatMap((it) => it.tabs).filter((it) => isTabOf(review, it));
    if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
    for (const file of review.files) {
      previews.forget(afterUri(review, file));
      marks.clear(afterUri(review, file));
    }
    follow();
  };
  const refresh = (review: Review, file: FileProposal, text: string) => {
    const proposed = proposedText(file, text);
    if (proposed !== null) previews.show(afterUri(review, file), proposed);
  };

  const subscriptions = [
    previews,
    marks,
    vscode.workspace.registerTextDocumentContentProvider(previewScheme, previews),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      for (const review of reviews.values())
        for (const file of review.files)
          if (file.uri === document.uri.toString()) refresh(review, file, document.getText());
    }),
    vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
      for (const review of [...reviews.values()]) {
        if (!closed.some((tab) => isTabOf(review, tab))) continue;
        void drop(review);
        vscode.window.setStatusBarMessage("Tandem: the proposal was closed, nothing was written", 5_000);
      }
      follow();
    }),
    vscode.window.tabGroups.onDidChangeTabGroups(follow),
  ];

  const accept = async (review: Review) => {
    if (!reviews.has(review.id)) return;
    const applied = await applyProposal(review.files);
    await drop(review);
    if (applied.kind === "applied") {
      if (applied.at) await reveal(applied.at.uri, applied.at.line);
      vscode.window.setStatusBarMessage(`Tandem: applied ${review.proposal.title}; undo takes it back`, 5_000);
      return;
    }
    const message = `Tandem: ${applied.reason}. Run it again on the text as it is now.`;
    void vscode.window.showWarningMessage(message, "Run Again").then((chosen) => {
      if (chosen === "Run Again") review.proposal.again();
    });
  };
  const reject = async (review: Review) => {
    if (!reviews.has(review.id)) return;
    await drop(review);
    vscode.window.setStatusBarMessage("Tandem: rejected, nothing was written", 4_000);
  };
  const only = () => (reviews.size === 1 ? [...reviews.values()][0] : undefined);
  const decide = async (review: Review | undefined, how: (review: Review) => Promise<void>) => {
    if (review) await how(review);
  };

  return {
    async open(proposal) {
      const texts = await textsOf(proposal);
      const files = byFile(proposal.result.edits, (uri) => texts.get(uri) ?? "");
      const review: Review = { id: ++lastId, title: titleOf(proposal), proposal, files, hint: showHint(proposal) };
      reviews.set(review.id, review);
      const findings = placeFindings(proposal.result, files);
      for (const [index, file] of files.entries()) {
        previews.show(afterUri(review, file), proposedText(file, file.base) ?? file.base);
        if (!file.isNewFile) refresh(review, file, await textOf(file.uri));
        marks.show(
          afterUri(review, file),
          findings.filter((it) => it.file === index),
        );
      }
      await showDiff(review, proposal.seen?.languageId);
      follow();
      tell(proposal);
    },
    accept: () => decide(active() ?? only(), accept),
    reject: () => decide(active() ?? only(), reject),
    dispose: () => vscode.Disposable.from(...subscriptions).dispose(),
  };
}

function titleOf({ title, result }: Proposal): string {
  return `Tandem: ${title} — ${result.timing.draft.model.label}`;
}

function afterUri(review: Review, file: FileProposal): Uri {
  return previewUri(vscode.Uri.parse(file.uri), review.id, "after");
}

/** A diff of one file says what it shows; one of several does not, and is known by its title. */
function isTabOf(review: Review, tab: Tab): boolean {
  if (tab.input instanceof vscode.TabInputTextDiff) return reviewOf(tab.input.modified) === review.id;
  return review.files.length > 1 && tab.label === review.title;
}

async function textsOf({ result, seen }: Proposal): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const edit of result.edits) {
    if (edit.isNewFile || texts.has(edit.uri)) continue;
    texts.set(edit.uri, seen?.uri === edit.uri ? seen.text : await textOf(edit.uri));
  }
  return texts;
}

async function showDiff(review: Review, languageId: string | undefined): Promise<void> {
  const sides = review.files.map((file) => {
    const uri = vscode.Uri.parse(file.uri);
    return { uri, before: file.isNewFile ? previewUri(uri, review.id, "before") : uri, after: afterUri(review, file) };
  });
  const [only] = sides;
  if (sides.length > 1) {
    const resources = sides.map((it) => [it.uri, it.before, it.after]);
    await vscode.commands.executeCommand("vscode.changes", review.title, resources);
  } else if (only) {
    const document = await vscode.workspace.openTextDocument(only.after);
    if (languageId && document.languageId !== languageId && only.uri.scheme === "untitled")
      await vscode.languages.setTextDocumentLanguage(document, languageId);
    await vscode.commands.executeCommand("vscode.diff", only.before, only.after, review.title, { preview: false });
  }
}

/**
 * Says what the audit found and what the user should know, without buttons: those of a notification outlive the decision.
 * Where there is nothing to say, the diff speaks for itself.
 */
function tell({ title, result: { findings, notices } }: Proposal): void {
  const said = [...findings.map((it) => `line ${it.line}: ${it.message} (${it.source})`), ...notices];
  if (said.length === 0) return;
  const count = findings.length === 0 ? "" : ` ${findings.length === 1 ? "1 finding" : `${findings.length} findings`}:`;
  const isSerious = findings.some((it) => it.severity !== "note");
  const show = isSerious ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  void show(`Tandem: ${title}.${count} ${said.join("; ")}`);
}

function showHint({ title }: Proposal): Disposable {
  const keys = process.platform === "darwin" ? "Cmd+Enter" : "Ctrl+Enter";
  return vscode.window.setStatusBarMessage(`Tandem: ${title} is ready; ${keys} accepts, Escape rejects`);
}

async function textOf(uri: string): Promise<string> {
  return (await vscode.workspace.openTextDocument(vscode.Uri.parse(uri))).getText();
}

async function reveal(uri: Uri, line: number): Promise<void> {
  const editor = await vscode.window.showTextDocument(uri);
  const at = new vscode.Position(line, 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
