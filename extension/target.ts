import type { TextDocument } from "vscode";
import * as vscode from "vscode";
import { z } from "zod";
import type { Action, RunParams } from "../server/protocol/run.ts";
import { Range } from "../server/protocol/source.ts";

/** What a light bulb hands to a command; from the palette there is none. */
export const Invocation = z.object({ uri: z.string(), range: Range, message: z.string().optional() });
export type Invocation = z.output<typeof Invocation>;

/** The document and range a command is about, as the user sees them now. */
export interface Target {
  readonly document: TextDocument;
  readonly range: vscode.Range;
}

/** Most diagnostics and unsaved files one request carries; the contract's limits are higher. */
const MAX_DIAGNOSTICS = 50;
const MAX_UNSAVED = 50;
const MAX_UNSAVED_CHARACTERS = 1_000_000;
const MAX_MESSAGE = 4_000;

const SEVERITIES = {
  [vscode.DiagnosticSeverity.Error]: "error",
  [vscode.DiagnosticSeverity.Warning]: "warning",
  [vscode.DiagnosticSeverity.Information]: "information",
  [vscode.DiagnosticSeverity.Hint]: "hint",
} as const;

/** The invocation's target, or the active editor's selection; null when there is no editor. */
export async function targetOf(argument: unknown): Promise<Target | null> {
  const invocation = Invocation.safeParse(argument);
  if (invocation.success) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(invocation.data.uri));
    const { start, end } = invocation.data.range;
    return { document, range: new vscode.Range(start.line, start.character, end.line, end.character) };
  }
  const editor = vscode.window.activeTextEditor;
  if (!editor || editor.document.uri.scheme === "output") return null;
  return { document: editor.document, range: editor.selection };
}

/** Everything one task needs, so that the orchestrator never has to ask back. */
export function paramsFor(action: Action, instruction: string, target: Target | null): RunParams {
  if (!target) return { action, instruction, diagnostics: [], unsaved: [] };
  const { document, range } = target;
  return {
    action,
    instruction,
    document: sourceOf(document),
    range: plain(range),
    diagnostics: diagnosticsAt(action, target),
    unsaved: vscode.workspace.textDocuments
      .filter((it) => it.isDirty && it !== document && it.uri.scheme === document.uri.scheme)
      .filter((it) => it.getText().length <= MAX_UNSAVED_CHARACTERS)
      .slice(0, MAX_UNSAVED)
      .map(sourceOf),
  };
}

function sourceOf(document: TextDocument): NonNullable<RunParams["document"]> {
  const { uri, languageId, version } = document;
  return { uri: uri.toString(), languageId, version, text: document.getText() };
}

/** Those that touch the range. With a cursor a fix is about the nearest ones: only the server knows what encloses it. */
function diagnosticsAt(action: Action, { document, range }: Target): RunParams["diagnostics"] {
  const all = vscode.languages.getDiagnostics(document.uri);
  const line = range.start.line;
  const distance = (it: vscode.Diagnostic) => Math.max(0, it.range.start.line - line, line - it.range.end.line);
  const chosen =
    range.isEmpty && action === "fix"
      ? all.toSorted((a, b) => distance(a) - distance(b))
      : all.filter((it) => it.range.intersection(lines(range)) !== undefined);
  return chosen.slice(0, MAX_DIAGNOSTICS).map((it) => ({
    range: plain(it.range),
    severity: SEVERITIES[it.severity],
    message: it.message.slice(0, MAX_MESSAGE),
    ...(it.source ? { source: it.source.slice(0, 200) } : {}),
  }));
}

function lines(range: vscode.Range): vscode.Range {
  return new vscode.Range(range.start.line, 0, range.end.line + 1, 0);
}

function plain({ start, end }: vscode.Range): Range {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}
