import * as vscode from "vscode";
import { status } from "../../server/protocol/requests.ts";
import type { EngineStatus } from "../../server/protocol/status.ts";
import type { Deed } from "../../webview/sidebar/messages.ts";
import type { App } from "../app.ts";
import { failureOf } from "../failure.ts";
import { showFailure } from "../task.ts";

/** What can be done by name, to which engines, and what is said where there is none. */
const DEEDS = {
  load: { title: "Load Model", isFor: (it: EngineStatus) => it.state !== "ready", none: "Every model is loaded." },
  unload: { title: "Unload Model", isFor: (it: EngineStatus) => it.state === "ready", none: "No model is loaded." },
  pin: { title: "Pin or Unpin Model", isFor: () => true, none: "No model is set up yet." },
  reset: {
    title: "Try Failed Engine Again",
    isFor: (it: EngineStatus) => it.breaker.state !== "closed",
    none: "Every engine gets requests.",
  },
} as const;

/** Asks for a model and does it; the sidebar shows how far it is. */
export function modelCommand(app: App, what: keyof typeof DEEDS): () => Promise<void> {
  return async () => {
    const { title, isFor, none } = DEEDS[what];
    const engines = await enginesOf(app);
    if (!engines) return;
    // A server that is there already is not ours to load or unload.
    const isOurs = (it: EngineStatus) => what === "reset" || it.kind !== "endpoint";
    const suitable = engines.filter((it) => it.handle !== "" && isOurs(it) && isFor(it));
    if (suitable.length === 0) return void vscode.window.showInformationMessage(none);
    const items = suitable.map((engine) => ({
      label: `${engine.isPinned ? "$(pinned) " : ""}${engine.model.label}`,
      description: `${engine.device}, ${engine.state}`,
      engine,
    }));
    const chosen = await vscode.window.showQuickPick(items, { title: `Tandem: ${title}` });
    if (!chosen) return;
    const deed: Deed = what === "pin" && chosen.engine.isPinned ? "unpin" : what;
    await app.sidebar.reveal();
    await app.sidebar.act(deed, chosen.engine.handle);
  };
}

/** Null: they cannot be had, and the user has been told. */
async function enginesOf(app: App): Promise<readonly EngineStatus[] | null> {
  try {
    const { signal } = new AbortController();
    return (await (await app.orchestrator()).send(status, {}, { signal })).engines;
  } catch (error) {
    await showFailure(failureOf(error, null), () => undefined);
    return null;
  }
}
