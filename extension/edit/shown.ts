import type { Disposable, Tab, TextDocument, Uri } from "vscode";
import * as vscode from "vscode";
import type { FindingMarks } from "./marks.ts";
import { type Previews, previewUri, reviewOf } from "./preview.ts";
import { byFile, type EditResult, type FileProposal, placeFindings, placeSeams, proposedText } from "./proposal.ts";

export interface Proposal {
  /** "docstring for median()" */
  readonly title: string;
  readonly result: EditResult;
  /** The text of a file as the task saw it; null for files it read itself. */
  readonly seen: { readonly uri: string; readonly languageId: string; readonly text: string } | null;
  /** Makes the task run once more, on the text as it is by then. */
  readonly again: () => void;
}

/** A proposal on the screen: a diff, what was found in it, and how to decide. */
export interface Shown {
  readonly proposal: Proposal;
  readonly files: readonly FileProposal[];
  isIn(tab: Tab): boolean;
  /** Shows the proposal on the text as it is now, as long as it is certain where it belongs. */
  follow(document: TextDocument): void;
  close(): Promise<void>;
}

export interface Stage {
  readonly previews: Previews;
  readonly marks: FindingMarks;
}

/** Opens the diff; `id` tells this proposal's documents from all others. */
export async function show(proposal: Proposal, id: number, { previews, marks }: Stage): Promise<Shown> {
  const { timing, cloud } = proposal.result;
  const from = cloud === null ? "" : ` (cloud: ${cloud})`;
  const title = `Tandem: ${proposal.title} — ${timing.draft.model.label}${from}`;
  const texts = await textsOf(proposal);
  const files = byFile(proposal.result.edits, (uri) => texts.get(uri) ?? "");
  const after = (file: FileProposal) => previewUri(vscode.Uri.parse(file.uri), id, "after");
  const follow = (file: FileProposal, text: string) => {
    const proposed = proposedText(file, text);
    if (proposed !== null) previews.show(after(file), proposed);
  };
  const findings = placeFindings(proposal.result, files);
  const seams = placeSeams(proposal.result, files);
  for (const [index, file] of files.entries()) {
    previews.show(after(file), proposedText(file, file.base) ?? file.base);
    if (!file.isNewFile) follow(file, await textOf(file.uri));
    const isOwn = (it: { readonly file: number }) => it.file === index;
    marks.show(after(file), { findings: findings.filter(isOwn), seams: seams.filter(isOwn) });
  }
  const isIn = (tab: Tab) =>
    tab.input instanceof vscode.TabInputTextDiff
      ? reviewOf(tab.input.modified) === id
      : files.length > 1 && tab.label.startsWith(title);
  await openDiff(
    title,
    files.map((file) => sidesOf(file, id)),
    proposal.seen?.languageId,
  );
  tell(proposal);
  const hint = showHint(proposal);
  return {
    proposal,
    files,
    isIn,
    follow: (document) => {
      for (const file of files) if (file.uri === document.uri.toString()) follow(file, document.getText());
    },
    async close() {
      hint.dispose();
      const tabs = vscode.window.tabGroups.all.flatMap((it) => it.tabs).filter(isIn);
      if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
      for (const file of files) {
        previews.forget(after(file));
        marks.clear(after(file));
      }
    },
  };
}

interface Sides {
  readonly uri: Uri;
  readonly before: Uri;
  readonly after: Uri;
}

function sidesOf(file: FileProposal, id: number): Sides {
  const uri = vscode.Uri.parse(file.uri);
  return { uri, before: file.isNewFile ? previewUri(uri, id, "before") : uri, after: previewUri(uri, id, "after") };
}

/**
 * One file as a diff, several together. A diff of one file says what it shows; one of several is known by its
 * title, to which the editor adds their number.
 */
async function openDiff(title: string, sides: readonly Sides[], languageId: string | undefined): Promise<void> {
  const [only] = sides;
  if (sides.length > 1) {
    const resources = sides.map((it) => [it.uri, it.before, it.after]);
    await vscode.commands.executeCommand("vscode.changes", title, resources);
  } else if (only) {
    const document = await vscode.workspace.openTextDocument(only.after);
    if (languageId && document.languageId !== languageId && only.uri.scheme === "untitled")
      await vscode.languages.setTextDocumentLanguage(document, languageId);
    await vscode.commands.executeCommand("vscode.diff", only.before, only.after, title, { preview: false });
  }
}

/**
 * Says what the user should know of the result, without buttons: those of a notification outlive the decision. Findings
 * need none: they stand in the diff.
 */
function tell({ result: { notices, cloud } }: Proposal): void {
  const said = cloud === null ? notices : [`this is from the cloud: ${cloud} has seen the request`, ...notices];
  if (said.length > 0) void vscode.window.showInformationMessage(`Tandem: ${said.join("; ")}`);
}

/** Short, because the status bar cuts what does not fit; the tab has the title. */
function showHint({ result: { findings, cloud } }: Proposal): Disposable {
  const keys = process.platform === "darwin" ? "Cmd+Enter" : "Ctrl+Enter";
  const from = cloud === null ? "" : " from the cloud";
  const found = findings.length === 0 ? "" : ` with ${findings.length} finding${findings.length === 1 ? "" : "s"}`;
  return vscode.window.setStatusBarMessage(`Tandem: ready${from}${found}; ${keys} accepts, Escape rejects`);
}

async function textsOf({ result, seen }: Proposal): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const edit of result.edits) {
    if (edit.isNewFile || texts.has(edit.uri)) continue;
    texts.set(edit.uri, seen?.uri === edit.uri ? seen.text : (edit.base ?? (await textOf(edit.uri))));
  }
  return texts;
}

async function textOf(uri: string): Promise<string> {
  return (await vscode.workspace.openTextDocument(vscode.Uri.parse(uri))).getText();
}
