import { randomBytes } from "node:crypto";
import type { Uri, Webview } from "vscode";
import * as vscode from "vscode";

/** The empty page of the sidebar: our script, style sheet and icons, and nothing else runs or is fetched. */
export function sidebarPage(webview: Webview, folder: Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  const { cspSource } = webview;
  const policy = `default-src 'none'; style-src ${cspSource}; font-src ${cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at("sidebar.css")}">
<title>Tandem</title>
</head>
<body>
<main></main>
<div role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${at("sidebar.js")}"></script>
</body>
</html>`;
}
