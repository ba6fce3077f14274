import type { Uri } from "vscode";
import * as vscode from "vscode";

export interface Lines {
  readonly path: string | null;
  /** One-based; `endLine` inclusive. */
  readonly line: number;
  readonly endLine: number;
}

/** Shows lines that an answer mentions: of the source, or of the file a path names in the workspace. */
export async function openLines({ path, line, endLine }: Lines, source: Uri | null): Promise<void> {
  const uri = path === null ? source : await find(path, source);
  if (!uri) {
    vscode.window.setStatusBarMessage(`Tandem: there is no ${path ?? "file to show"} in this workspace`, 5_000);
    return;
  }
  const visible = vscode.window.visibleTextEditors.find((it) => it.document.uri.toString() === uri.toString());
  const document = await vscode.workspace.openTextDocument(uri);
  const editor = await vscode.window.showTextDocument(document, visible?.viewColumn ?? vscode.ViewColumn.One);
  const first = Math.min(line, document.lineCount) - 1;
  const last = Math.min(endLine, document.lineCount) - 1;
  const range = new vscode.Range(first, 0, last, document.lineAt(last).text.length);
  editor.selection = new vscode.Selection(range.start, range.end);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** The source itself, a path from it, or a path in the workspace. Nothing outside the workspace is opened. */
async function find(path: string, source: Uri | null): Promise<Uri | null> {
  const wanted = path.replace(/^\.?\//, "");
  if (source && (source.path.endsWith(`/${wanted}`) || source.path === wanted)) return source;
  for (const folder of vscode.workspace.workspaceFolders ?? []) {
    const uri = vscode.Uri.joinPath(folder.uri, wanted);
    if (!uri.path.startsWith(`${folder.uri.path.replace(/\/$/, "")}/`)) continue;
    if (await isFile(uri)) return uri;
  }
  const [found] = await vscode.workspace.findFiles(`**/${wanted.replace(/[[\]{}*?]/g, "?")}`, "**/node_modules/**", 1);
  return found ?? null;
}

async function isFile(uri: Uri): Promise<boolean> {
  return await vscode.workspace.fs.stat(uri).then(
    (it) => (it.type & vscode.FileType.File) !== 0,
    () => false,
  );
}
