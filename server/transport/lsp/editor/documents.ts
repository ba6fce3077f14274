import { TextDocument } from "vscode-languageserver-textdocument";
import { z } from "zod";
import type { Log } from "../../../ports.ts";
import { Range, type SourceDocument } from "../../../protocol/source.ts";
import type { Notice } from "../dispatch.ts";
import { parsed } from "../failure.ts";

/** The documents that an editor has open, kept in step with it. */
export interface Documents {
  /** However the URI is spelled; null when the editor has not opened it, or it is beyond a limit. */
  find(uri: string): TextDocument | null;
  /** At most so many, the last touched first. */
  recent(most: number): readonly TextDocument[];
  readonly notices: ReadonlyMap<string, Notice>;
}

/** Open at the same time. */
const MOST_DOCUMENTS = 500;
/** UTF-16 code units of one document: twice what a task works on. */
const MOST_DOCUMENT = 2_000_000;
/** Of all together. */
const MOST_TEXT = 64_000_000;
/** Code units that may be moved for one notification: changes in it times the document's length. It is a fraction of a second. */
const MOST_MOVED = 1_000_000_000;

const Uri = z.string().max(4_096);
const Opened = z.looseObject({
  textDocument: z.looseObject({ uri: Uri, languageId: z.string().max(100), version: z.int(), text: z.string() }),
});
const Changed = z.looseObject({
  textDocument: z.looseObject({ uri: Uri, version: z.int() }),
  contentChanges: z.array(z.looseObject({ range: Range.optional(), text: z.string() })),
});
const Closed = z.looseObject({ textDocument: z.looseObject({ uri: Uri }) });

export function createDocuments(log: Log): Documents {
  // In the order in which they were touched.
  const open = new Map<string, TextDocument>();
  let held = 0;

  function forget(key: string): void {
    held -= open.get(key)?.getText().length ?? 0;
    open.delete(key);
  }

  function keep(key: string, document: TextDocument): void {
    forget(key);
    const length = document.getText().length;
    if (length > MOST_DOCUMENT || held + length > MOST_TEXT || open.size >= MOST_DOCUMENTS) {
      log.info("document not followed", { length, documents: open.size, held });
      return;
    }
    open.set(key, document);
    held += length;
  }

  const notices: Record<string, Notice> = {
    "textDocument/didOpen": (params) => {
      const { uri, languageId, version, text } = parsed(Opened, params, "didOpen").textDocument;
      keep(keyOf(uri), TextDocument.create(uri, languageOf(languageId), version, text));
    },
    "textDocument/didChange": (params) => {
      const { textDocument, contentChanges } = parsed(Changed, params, "didChange");
      const key = keyOf(textDocument.uri);
      const document = open.get(key);
      if (!document) return;
      // The length is the library's to keep; what it was is to be taken off before it changes.
      forget(key);
      const added = contentChanges.reduce((sum, it) => sum + it.text.length, document.getText().length);
      if (added * contentChanges.length > MOST_MOVED) return log.info("document not followed", { moved: added });
      keep(key, TextDocument.update(document, contentChanges, textDocument.version));
    },
    "textDocument/didClose": (params) => forget(keyOf(parsed(Closed, params, "didClose").textDocument.uri)),
    "textDocument/didSave": (params) => void parsed(Closed, params, "didSave"),
  };
  return {
    find: (uri) => open.get(keyOf(uri)) ?? null,
    recent: (most) => [...open.values()].slice(-most).toReversed(),
    notices: new Map(Object.entries(notices)),
  };
}

/** The document as a task takes it. */
export function toSource(document: TextDocument): SourceDocument {
  const { uri, languageId, version } = document;
  return { uri, languageId, version, text: document.getText() };
}

/** Editors encode characters that URLs leave alone, such as brackets. */
export function keyOf(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

/** VS Code's identifier for a language that other editors call otherwise. */
function languageOf(languageId: string): string {
  const known: Readonly<Record<string, string>> = {
    "c++": "cpp",
    "c-sharp": "csharp",
    bash: "shellscript",
    cs: "csharp",
    jsx: "javascriptreact",
    sh: "shellscript",
    tsx: "typescriptreact",
    zsh: "shellscript",
  };
  return (Object.hasOwn(known, languageId) && known[languageId]) || languageId;
}
