import { randomBytes } from "node:crypto";
import type { Uri, Webview } from "vscode";
import * as vscode from "vscode";

/** The empty page of the answer view: our script and style sheet run, and nothing else does or is fetched. */
export function answerPage(webview: Webview, folder: Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const at = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${at("answer.css")}">
<title>Tandem</title>
</head>
<body>
<header></header>
<main aria-live="polite"></main>
<footer></footer>
<div role="status" aria-live="polite"></div>
<script nonce="${nonce}" src="${at("answer.js")}"></script>
</body>
</html>`;
}
