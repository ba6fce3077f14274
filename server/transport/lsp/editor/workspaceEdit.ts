import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  CreateFile,
  LSPErrorCodes,
  ResponseError,
  TextDocumentEdit,
  type TextEdit,
  type WorkspaceEdit,
} from "vscode-languageserver-protocol/node";
import type { FileEdit } from "../../../protocol/source.ts";
import type { Abilities } from "./abilities.ts";
import type { Documents } from "./documents.ts";

/** The edits of a task in LSP's form. Throws the answer "content modified" when a text is no longer the one they were made against. */
export async function toWorkspaceEdit(
  edits: readonly FileEdit[],
  documents: Documents,
  abilities: Abilities,
): Promise<WorkspaceEdit> {
  const files = new Map<string, FileEdit[]>();
  for (const edit of edits) files.set(edit.uri, [...(files.get(edit.uri) ?? []), edit]);
  const changed = await Promise.all(edits.map((it) => isChanged(it, documents)));
  if (changed.includes(true)) throw contentModified();
  // The editor's own spelling of a URI is the one it finds a document by.
  const uriOf = (uri: string) => documents.find(uri)?.uri ?? uri;
  if (!abilities.editsVersions)
    return { changes: Object.fromEntries([...files].map(([uri, its]) => [uriOf(uri), its.map(toTextEdit)])) };
  return {
    documentChanges: [...files].flatMap(([uri, its]) => {
      const version = documents.find(uri)?.version ?? null;
      const edit = TextDocumentEdit.create({ uri: uriOf(uri), version }, its.map(toTextEdit));
      return its.some((it) => it.isNewFile) && abilities.createsFiles ? [CreateFile.create(uri), edit] : [edit];
    }),
  };
}

/** LSP's word for "the text is another by now". */
export function contentModified(): ResponseError<void> {
  return new ResponseError(
    LSPErrorCodes.ContentModified,
    "The text was changed while Tandem worked on it, and nothing was applied. Run it again.",
  );
}

function toTextEdit({ range, after }: FileEdit): TextEdit {
  return { range, newText: after };
}

async function isChanged({ uri, version, range, before, base, isNewFile }: FileEdit, documents: Documents) {
  const document = documents.find(uri);
  if (!document) return !isNewFile && base !== undefined && (await textOf(uri)) !== base;
  if (version !== null) return document.version !== version;
  if (base !== undefined && document.getText() !== base) return true;
  return document.getText(range) !== before;
}

/** Null when it is there no longer, or cannot be read. */
async function textOf(uri: string): Promise<string | null> {
  try {
    return await readFile(fileURLToPath(uri), "utf8");
  } catch {
    return null;
  }
}
