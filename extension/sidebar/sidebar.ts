import type { Disposable, Uri, WebviewView } from "vscode";
import * as vscode from "vscode";
import { z } from "zod";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import type { Deed, FromSidebar, ToSidebar } from "../../webview/sidebar/messages.ts";
import type { TandemFailure } from "../failure.ts";
import { sidebarView } from "../ids.ts";
import { pageOf } from "../page.ts";
import { createAccounts } from "./accounts.ts";
import { createFeed, type Source } from "./feed.ts";
import { createMeter } from "./machine.ts";

/** The view in the activity bar: GPUs, models, what was decided. */
export interface Sidebar extends Disposable {
  /** VS Code has made room for it. */
  open(view: WebviewView): void;
  /** Brings it to the front. */
  reveal(): Promise<void>;
  /** Asks for everything anew, if it is seen. */
  refresh(): void;
  act(deed: Deed, engine: string): Promise<void>;
  /** What a task of this window tells; null: it is over. */
  task(event: RunEvent | null): void;
}

export interface SidebarDeps {
  readonly extensionUri: Uri;
  /** Starts nothing. */
  readonly source: () => Promise<Source>;
}

const Handle = z.string().min(1).max(1_000);
const Message: z.ZodType<FromSidebar> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("deed"), deed: z.enum(["load", "unload", "pin", "unpin", "reset"]), engine: Handle }),
  z.object({ kind: z.literal("cancel"), engine: Handle }),
  z.object({ kind: z.literal("decision"), id: z.string().max(64) }),
  z.object({ kind: z.literal("open"), what: z.enum(["settings", "log", "restart", "check"]) }),
]);

export function createSidebar({ extensionUri, source }: SidebarDeps): Sidebar {
  let view: WebviewView | null = null;
  let decisions: readonly JournalEntry[] = [];
  const accounts = createAccounts();
  const post = (message: ToSidebar) => {
    if (message.kind === "decisions") decisions = message.decisions;
    void view?.webview.postMessage(message);
  };
  const feed = createFeed({ source, nowMs: Date.now, machine: createMeter(), post, report });
  const receive = async (message: FromSidebar): Promise<void> => {
    switch (message.kind) {
      case "ready":
        // A page that got ready after it was hidden is made anew when it is shown.
        return view?.visible ? feed.show() : undefined;
      case "start":
        return await feed.start();
      case "deed":
        return await feed.act(message.deed, message.engine);
      case "cancel":
        return feed.cancel(message.engine);
      case "decision":
        return await accounts.show(decisions.find((it) => it.id === message.id) ?? null);
      case "open":
        return void (await vscode.commands.executeCommand(...COMMANDS[message.what]));
    }
  };
  return {
    open(next) {
      view = next;
      next.onDidChangeVisibility(() => next.visible || feed.hide());
      next.onDidDispose(() => {
        if (view !== next) return;
        view = null;
        feed.hide();
      });
      fill(next, vscode.Uri.joinPath(extensionUri, "dist", "webview"), receive);
    },
    reveal: async () => void (await vscode.commands.executeCommand(`${sidebarView}.focus`)),
    refresh: () => {
      if (view?.visible) feed.show();
    },
    act: (deed, engine) => feed.act(deed, engine),
    task: (event) => feed.task(event),
    dispose() {
      feed.dispose();
      accounts.dispose();
    },
  };
}

const COMMANDS: Readonly<Record<Extract<FromSidebar, { kind: "open" }>["what"], [string, ...string[]]>> = {
  settings: ["workbench.action.openSettings", "tandem."],
  log: ["tandem.showLog"],
  restart: ["tandem.restart"],
  check: ["tandem.checkMachine"],
};

/** The listeners live as long as the view does. */
function fill(view: WebviewView, folder: Uri, receive: (message: FromSidebar) => Promise<void>): void {
  view.webview.options = { enableScripts: true, localResourceRoots: [folder] };
  view.webview.onDidReceiveMessage(async (value: unknown) => {
    const message = Message.safeParse(value);
    if (message.success) await receive(message.data);
  });
  view.webview.html = pageOf("sidebar", "<main></main>", { webview: view.webview, folder });
}

function report({ message, nextStep }: TandemFailure): void {
  void vscode.window.showErrorMessage(`${message}. ${nextStep}.`, "Show Log").then((chosen) => {
    if (chosen) void vscode.commands.executeCommand("tandem.showLog");
  });
}
