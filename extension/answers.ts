import type { Disposable, Uri, WebviewPanel } from "vscode";
import * as vscode from "vscode";
import { z } from "zod";
import type { FromView, ToView } from "../webview/messages.ts";
import { remember } from "./history.ts";
import { openLines } from "./openLines.ts";
import { pageOf } from "./page.ts";

export interface Answer {
  readonly title: string;
  readonly question: string;
  /** The document the answer is about; line numbers without a path are its lines. */
  readonly source: Uri | null;
  readonly stop: () => void;
  readonly again: () => void;
}

/** The read-only view beside the editor; there is one, and it shows the newest answer. */
export interface Answers extends Disposable {
  /** Shows a new answer instead of the last one, and returns how to tell it what happens; later answers silence it. */
  begin(answer: Answer): (message: Told) => void;
}

export type Told = Exclude<ToView, { kind: "begin" | "replay" }>;

const Line = z.int().min(1).max(1_000_000);
const Message: z.ZodType<FromView> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("open"), path: z.string().max(1_000).nullable(), line: Line, endLine: Line }),
  z.object({ kind: z.literal("copy"), text: z.string() }),
  z.object({ kind: z.literal("insert"), text: z.string() }),
  z.object({ kind: z.literal("stop") }),
  z.object({ kind: z.literal("runAgain") }),
]);

export function createAnswers(extensionUri: Uri): Answers {
  let panel: WebviewPanel | null = null;
  let answer: Answer | null = null;
  let history: readonly ToView[] = [];
  const receive = async (message: FromView): Promise<void> => {
    if (message.kind === "ready") await panel?.webview.postMessage({ kind: "replay", messages: history });
    else if (answer) await doFor(answer, message);
  };
  const closed = () => {
    panel = null;
    answer?.stop();
    history = [];
  };
  const tell = (message: ToView) => {
    history = remember(history, message);
    void panel?.webview.postMessage(message);
  };
  return {
    begin(next) {
      answer?.stop();
      answer = next;
      const title = `Tandem: ${next.title}`;
      if (panel) revealAs(panel, title);
      else panel = openPanel(title, vscode.Uri.joinPath(extensionUri, "dist", "webview"), { receive, closed });
      const source = next.source?.path.split("/").at(-1) ?? null;
      tell({ kind: "begin", title: next.title, question: next.question, source });
      return (message) => {
        if (answer === next) tell(message);
      };
    },
    dispose: () => panel?.dispose(),
  };
}

interface PanelEvents {
  readonly receive: (message: FromView) => Promise<void>;
  readonly closed: () => void;
}

const BODY = '<header></header>\n<main aria-live="polite"></main>\n<footer></footer>';

function openPanel(title: string, folder: Uri, { receive, closed }: PanelEvents): WebviewPanel {
  const at = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
  const options = { enableScripts: true, localResourceRoots: [folder] };
  const panel = vscode.window.createWebviewPanel("tandem.answer", title, at, options);
  panel.onDidDispose(closed);
  panel.webview.onDidReceiveMessage(async (value: unknown) => {
    const message = Message.safeParse(value);
    if (message.success) await receive(message.data);
  });
  panel.webview.html = pageOf("answer", BODY, { webview: panel.webview, folder });
  return panel;
}

function revealAs(panel: WebviewPanel, title: string): void {
  panel.title = title;
  panel.reveal(panel.viewColumn, true);
}

async function doFor(answer: Answer, message: Exclude<FromView, { kind: "ready" }>): Promise<void> {
  switch (message.kind) {
    case "open":
      return await openLines(message, answer.source);
    case "copy":
      return await vscode.env.clipboard.writeText(message.text);
    case "insert":
      return await insertAtCursor(message.text, answer.source);
    case "stop":
      return answer.stop();
    case "runAgain":
      return answer.again();
  }
}

/** Into the source's editor where it is open, else the one used last; as one undo step. Nothing is replaced: what is selected may be the lines a link led to. */
async function insertAtCursor(text: string, source: Uri | null): Promise<void> {
  const editors = vscode.window.visibleTextEditors;
  const editor = editors.find((it) => it.document.uri.toString() === source?.toString()) ?? editors[0];
  if (!editor) {
    void vscode.window.showInformationMessage("Open the file that the code should go into, then insert it again.");
    return;
  }
  await editor.edit((edit) => edit.insert(editor.selection.active, text.replace(/\n$/, "")));
  await vscode.window.showTextDocument(editor.document, editor.viewColumn);
}
