import * as vscode from "vscode";

/** As it reads best; as text where VS Code's Markdown is switched off. */
export async function openAsMarkdown(uri: vscode.Uri): Promise<void> {
  const hasMarkdown = vscode.extensions.getExtension("vscode.markdown-language-features") !== undefined;
  if (hasMarkdown) await vscode.commands.executeCommand("markdown.showPreview", uri);
  else await vscode.window.showTextDocument(uri, { preview: true });
}
