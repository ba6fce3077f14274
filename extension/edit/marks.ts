import type { Disposable, TextEditor, Uri } from "vscode";
import * as vscode from "vscode";
import type { Finding } from "../../server/protocol/run.ts";
import type { PlacedFinding } from "./proposal.ts";

/** Findings in proposed texts: squiggles and problems, and the message at the end of its line. */
export interface FindingMarks extends Disposable {
  show(uri: Uri, findings: readonly PlacedFinding[]): void;
  clear(uri: Uri): void;
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
  const shown = new Map<string, readonly PlacedFinding[]>();
  const decorate = (editor: TextEditor) => {
    const findings = shown.get(editor.document.uri.toString());
    if (findings)
      editor.setDecorations(
        decoration,
        findings.map((it) => lineEnd(editor, it)),
      );
  };
  const visible = vscode.window.onDidChangeVisibleTextEditors((editors) => editors.forEach(decorate));
  return {
    show(uri, findings) {
      shown.set(uri.toString(), findings);
      diagnostics.set(
        uri,
        findings.map(({ line, finding }) => {
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

function lineEnd(editor: TextEditor, { line, finding }: PlacedFinding): vscode.DecorationOptions {
  const { range } = editor.document.lineAt(Math.min(line, editor.document.lineCount - 1));
  return {
    range: new vscode.Range(range.end, range.end),
    renderOptions: { after: { contentText: finding.message, color: new vscode.ThemeColor(COLORS[finding.severity]) } },
  };
}
