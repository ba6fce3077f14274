import type { Disposable, TextEditor, Uri } from "vscode";
import * as vscode from "vscode";
import type { Finding } from "../../server/protocol/run.ts";
import type { PlacedFinding, PlacedSeam } from "./proposal.ts";

/**
 * What is said of proposed texts where it stands: findings as squiggles and problems, with the message at the end of the line; where another
 * engine went on, a quiet word at the end of the line.
 */
export interface FindingMarks extends Disposable {
  show(uri: Uri, marked: Marked): void;
  clear(uri: Uri): void;
}

export interface Marked {
  readonly findings: readonly PlacedFinding[];
  readonly seams: readonly PlacedSeam[];
}

const SEVERITIES: Record<Finding["severity"], vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  note: vscode.DiagnosticSeverity.Information,
};

const COLORS: Record<Finding["severity"], string> = {
  error: "editorError.foreground",
  warning: "editorWarning.foreground",
  note: "editorInfo.foreground",
};

export function createFindingMarks(): FindingMarks {
  const diagnostics = vscode.languages.createDiagnosticCollection("tandem");
  const decoration = vscode.window.createTextEditorDecorationType({
    after: { margin: "0 0 0 3ch", fontStyle: "italic" },
  });
  const shown = new Map<string, Marked>();
  const decorate = (editor: TextEditor) => {
    const marked = shown.get(editor.document.uri.toString());
    if (!marked) return;
    const seams = marked.seams.map((it) => seamEnd(editor, it));
    editor.setDecorations(decoration, [...seams, ...marked.findings.map((it) => lineEnd(editor, it))]);
  };
  const visible = vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach(decorate));
  return {
    show(uri, marked) {
      shown.set(uri.toString(), marked);
      diagnostics.set(
        uri,
        marked.findings.map(({ line, finding }) => {
          const whole = new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER);
          const diagnostic = new vscode.Diagnostic(whole, finding.message, SEVERITIES[finding.severity]);
          diagnostic.source = `Tandem ${finding.source}`;
          return diagnostic;
        }),
      );
      vscode.window.visibleTextEditors.forEach(decorate);
    },
    clear(uri) {
      shown.delete(uri.toString());
      diagnostics.delete(uri);
    },
    dispose: () => vscode.Disposable.from(diagnostics, decoration, visible).dispose(),
  };
}

function seamEnd(editor: TextEditor, { line, seam }: PlacedSeam): vscode.DecorationOptions {
  const { range } = editor.document.lineAt(Math.min(line, editor.document.lineCount - 1));
  return {
    range: new vscode.Range(range.end, range.end),
    hoverMessage: `${seam.from} broke off here, and ${seam.to} went on: ${seam.why}`,
    renderOptions: {
      after: { contentText: `${seam.to} went on here`, color: new vscode.ThemeColor("editorCodeLens.foreground") },
    },
  };
}

function lineEnd(editor: TextEditor, { line, finding }: PlacedFinding): vscode.DecorationOptions {
  const { range } = editor.document.lineAt(Math.min(line, editor.document.lineCount - 1));
  return {
    range: new vscode.Range(range.end, range.end),
    renderOptions: { after: { contentText: finding.message, color: new vscode.ThemeColor(COLORS[finding.severity]) } },
  };
}
