import type { Disposable, TextDocumentContentProvider } from "vscode";
import * as vscode from "vscode";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import { accountScheme } from "../ids.ts";
import { openAsMarkdown } from "../openMarkdown.ts";
import { accountOf } from "./account.ts";

/** Read-only documents, one for each decision that was looked at. */
export interface Accounts extends Disposable {
  /** Null: it is not known any more. */
  show(decision: JournalEntry | null): Promise<void>;
}

/** An editor restored with an older one says so. */
const MOST_KEPT = 100;

export function createAccounts(): Accounts {
  const texts = new Map<string, string>();
  const changed = new vscode.EventEmitter<vscode.Uri>();
  const provider: TextDocumentContentProvider = {
    onDidChange: changed.event,
    provideTextDocumentContent: ({ path }) => texts.get(path) ?? "This decision is not kept here any more.\n",
  };
  const registration = vscode.workspace.registerTextDocumentContentProvider(accountScheme, provider);
  return {
    async show(decision) {
      if (!decision) return;
      const uri = vscode.Uri.from({ scheme: accountScheme, path: `/Decision ${decision.id}.md` });
      texts.delete(uri.path);
      texts.set(uri.path, accountOf(decision));
      const [oldest] = texts.keys();
      if (texts.size > MOST_KEPT && oldest !== undefined) texts.delete(oldest);
      // How it ended may have come since it was last shown.
      changed.fire(uri);
      await openAsMarkdown(uri);
    },
    dispose() {
      registration.dispose();
      changed.dispose();
    },
  };
}
