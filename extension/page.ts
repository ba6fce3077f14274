import { randomBytes } from "node:crypto";
import type { Uri, Webview } from "vscode";
import * as vscode from "vscode";

/** A webview's empty page: its own script, style sheet and font from `folder`, and nothing else runs or is fetched. `body` is ours. */
export function pageOf(name: "answer" | "sidebar", body: string, at: { webview: Webview; folder: Uri }): string {
  const nonce = randomBytes(16).toString("base64");
  const { cspSource } = at.webview;
  const address = (file: string) => at.webview.asWebviewUri(vscode.Uri.joinPath(at.folder, file)).toString();
  const policy = `default-src 'none'; style-src ${cspSource}; font-src ${cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${address(`${name}.css`)}">
<title>Tandem</title>
</head>
<body>
${body}
<div role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${address(`${name}.js`)}"></script>
</body>
</html>`;
}
