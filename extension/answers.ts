import type { Disposable, Uri, WebviewPanel } from "vscode";
import * as vscode from "vscode";
import { z } from "zod";
import type { FromView, ToView } from "../webview/messages.ts";
import { answerPage } from "./answerPage.ts";
import { remember } from "./history.ts";
import { openLines } from "./openLines.ts";

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
  const folder = vscode.Uri.joinPath(extensionUri, "dist", "webview");
  let panel: WebviewPanel | null = null;
  let answer: Answer | null = null;
  let history: readonly ToView[] = [];

  const open = (title: string): WebviewPanel => {
    const column = panel?.viewColumn ?? vscode.ViewColumn.Beside;
    if (panel) {
      panel.title = title;
      panel.reveal(column, true);
      return panel;
    }
    const made = vscode.window.createWebviewPanel(
      "tandem.answer",
      title,
      { viewColumn: column, preserveFocus: true },
      {
        enableScripts: true,
        localResourceRoots: [folder],
      },
    );
    made.onDidDispose(() => {
      panel = null;
      answer?.stop();
      history = [];
    });
    made.webview.onDidReceiveMessage(async (value: unknown) => {
      const message = Message.safeParse(value);
      if (message.success) await receive(message.data);
    });
    made.webview.html = answerPage(made.webview, folder);
    return made;
  };

  const receive = async (message: FromView): Promise<void> => {
    switch (message.kind) {
      case "ready":
        await panel?.webview.postMessage({ kind: "replay", messages: history });
        return;
      case "open":
        return await openLines(message, answer?.source ?? null);
      case "copy":
        return await vscode.env.clipboard.writeText(message.text);
      case "insert":
        return await insertAtCursor(message.text, answer?.source ?? null);
      case "stop":
        return answer?.stop();
      case "runAgain":
        return answer?.again();
    }
  };

  const tell = (message: ToView) => {
    history = remember(history, message);
    void panel?.webview.postMessage(message);
  };

  return {
    begin(next) {
      answer?.stop();
      answer = next;
      panel = open(`Tandem: ${next.title}`);
      const source = next.source?.path.split("/").at(-1) ?? null;
      tell({ kind: "begin", title: next.title, question: next.question, source });
      return (message) => {
        if (answer === next) tell(message);
      };
    },
    dispose: () => panel?.dispose(),
  };
}

/** Into the source's editor where it is open, else the one used last; as one undo step. */
async function insertAtCursor(text: string, source: Uri | null): Promise<void> {
  const editors = vscode.window.visibleTextEditors;
  const editor = editors.find((it) => it.document.uri.toString() === source?.toString()) ?? editors[0];
  if (!editor) {
    void vscode.window.showInformationMessage("Open the file that the code should go into, then insert it again.");
    return;
  }
  await editor.edit((edit) => edit.replace(editor.selection, text.replace(/\n$/, "")));
  await vscode.window.showTextDocument(editor.document, editor.viewColumn);
}
