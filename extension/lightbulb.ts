import type { CodeActionProvider, Diagnostic, Range, TextDocument } from "vscode";
import * as vscode from "vscode";
import { looksLikeDeclaration } from "./declaration.ts";
import type { CommandId } from "./ids.ts";
import { previewScheme } from "./ids.ts";

const REWRITES: readonly (readonly [CommandId, string])[] = [
  ["tandem.docstring", "Write docstring with Tandem"],
  ["tandem.refactor", "Refactor with Tandem…"],
  ["tandem.implement", "Implement with Tandem…"],
  ["tandem.test", "Write tests with Tandem"],
];
const MAX_FIXES = 5;
const MAX_MESSAGE = 60;

/** Light bulb entries, from the text alone: no request is made before one is chosen. */
export function createLightbulb(): CodeActionProvider {
  return {
    provideCodeActions(document, range, { diagnostics, only }) {
      if (document.uri.scheme === previewScheme || document.uri.scheme === "output") return [];
      const fixes = diagnostics.slice(0, MAX_FIXES).map((it) => fixFor(document, it));
      const rewrites = isPlaceForRewrites(document, range) ? REWRITES.map((it) => rewriteFor(document, range, it)) : [];
      return [...fixes, ...rewrites].filter((it) => !only || (it.kind && only.contains(it.kind)));
    },
  };
}

export const providedKinds = [vscode.CodeActionKind.QuickFix, vscode.CodeActionKind.RefactorRewrite];

function isPlaceForRewrites(document: TextDocument, range: Range): boolean {
  return !range.isEmpty || looksLikeDeclaration(document.lineAt(range.start.line).text);
}

function fixFor(document: TextDocument, diagnostic: Diagnostic): vscode.CodeAction {
  const { message } = diagnostic;
  const short = message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1).trimEnd()}…` : message;
  const title = `Fix with Tandem: ${short.replace(/\s+/g, " ")}`;
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [diagnostic];
  const argument = { ...place(document, diagnostic.range), message };
  action.command = { command: "tandem.fix", title, arguments: [argument] };
  return action;
}

function rewriteFor(
  document: TextDocument,
  range: Range,
  [command, title]: readonly [CommandId, string],
): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.RefactorRewrite);
  action.command = { command, title, arguments: [place(document, range)] };
  return action;
}

function place(document: TextDocument, { start, end }: Range): { uri: string; range: object } {
  return {
    uri: document.uri.toString(),
    range: {
      start: { line: start.line, character: start.character },
      end: { line: end.line, character: end.character },
    },
  };
}
