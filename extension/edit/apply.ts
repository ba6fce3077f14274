import * as vscode from "vscode";
import { place, shrink } from "./anchor.ts";
import type { FileProposal } from "./proposal.ts";

export type Applied =
  | { readonly kind: "applied"; readonly at: { readonly uri: vscode.Uri; readonly line: number } | null }
  /** Nothing was written, in no file. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Writes a proposal as one undo step, or nothing at all. Every file is looked at again first: where the text that is to
 * be replaced is not certain to be there still, all of it is refused. Files that exist stay unsaved: saving is the user's.
 */
export async function applyProposal(files: readonly FileProposal[]): Promise<Applied> {
  const edit = new vscode.WorkspaceEdit();
  let at: { uri: vscode.Uri; line: number } | null = null;
  for (const file of files) {
    const uri = vscode.Uri.parse(file.uri);
    if (file.isNewFile) {
      if (await exists(uri)) return refused(`${nameOf(uri)} exists by now`);
      const text = file.edits.map((it) => it.after).join("");
      edit.createFile(uri, { contents: new TextEncoder().encode(text), overwrite: false, ignoreIfExists: false });
      at ??= { uri, line: 0 };
      continue;
    }
    const document = await vscode.workspace.openTextDocument(uri);
    const splices = place(file.edits, file.base, document.getText());
    if (!splices) return refused(`${nameOf(uri)} changed meanwhile`);
    for (const whole of splices) {
      const { start, end, text } = shrink(document.getText(), whole);
      edit.replace(uri, new vscode.Range(document.positionAt(start), document.positionAt(end)), text);
      at ??= { uri, line: document.positionAt(start).line };
    }
  }
  if (!(await vscode.workspace.applyEdit(edit))) return refused("the editor did not take the change");
  return { kind: "applied", at };
}

function refused(what: string): Applied {
  return { kind: "refused", reason: `${what.charAt(0).toUpperCase()}${what.slice(1)}; nothing was written` };
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return await vscode.workspace.fs.stat(uri).then(
    () => true,
    () => false,
  );
}

function nameOf(uri: vscode.Uri): string {
  return uri.path.split("/").at(-1) ?? uri.path;
}
