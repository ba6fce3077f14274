import type { Disposable, TextDocumentContentProvider, Uri } from "vscode";
import * as vscode from "vscode";
import { previewScheme } from "../ids.ts";

/** Read-only documents, by address: the two sides of a proposal. */
export interface Previews extends TextDocumentContentProvider, Disposable {
  show(uri: Uri, text: string): void;
  forget(uri: Uri): void;
}

export function createPreviews(): Previews {
  const texts = new Map<string, string>();
  const changes = new vscode.EventEmitter<Uri>();
  return {
    onDidChange: changes.event,
    provideTextDocumentContent: (uri) => texts.get(uri.toString()) ?? "",
    show(uri, text) {
      if (texts.get(uri.toString()) === text) return;
      texts.set(uri.toString(), text);
      changes.fire(uri);
    },
    forget(uri) {
      texts.delete(uri.toString());
    },
    dispose: () => changes.dispose(),
  };
}

/** The address of one side of one file of a proposal; it keeps the file's name, so that its language is known. */
export function previewUri(file: Uri, review: number, side: "before" | "after"): Uri {
  return vscode.Uri.from({ scheme: previewScheme, path: file.path, query: `review=${review}&side=${side}` });
}

/** The proposal an address belongs to; null for any other document. */
export function reviewOf(uri: Uri): number | null {
  if (uri.scheme !== previewScheme) return null;
  const review = Number(new URLSearchParams(uri.query).get("review"));
  return Number.isInteger(review) && review > 0 ? review : null;
}
