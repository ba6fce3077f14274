import * as vscode from "vscode";
import { status } from "../../server/protocol/requests.ts";
import type { ClientStatus } from "../../server/protocol/status.ts";
import type { App } from "../app.ts";
import { failureOf } from "../failure.ts";
import { count, othersIn } from "../sharing.ts";

/** One that has not said by then who uses it is restarted without asking: it hangs. */
const ASKING_MS = 2_000;

/** Ends the orchestrator and starts another; asks first when that is not only this window's business. */
export async function restart(app: App): Promise<void> {
  const orchestrator = await app.orchestrator();
  const clients = orchestrator.state.kind === "running" ? await clientsOf(app) : [];
  if (!(await isMeant(clients))) return;
  const options = { location: vscode.ProgressLocation.Window, title: "Tandem: restarting" };
  await vscode.window
    .withProgress(options, () => orchestrator.restart())
    .then(undefined, (error: unknown) => {
      const { message, nextStep } = failureOf(error, null);
      void vscode.window.showErrorMessage(`${message}. ${nextStep}.`);
    });
}

async function clientsOf(app: App): Promise<readonly ClientStatus[]> {
  try {
    const signal = AbortSignal.timeout(ASKING_MS);
    return (await (await app.orchestrator()).send(status, {}, { signal })).clients;
  } catch {
    return []; // it hangs, or is gone: nobody loses anything
  }
}

async function isMeant(clients: readonly ClientStatus[]): Promise<boolean> {
  const others = othersIn(clients);
  if (others === "") return true;
  const running = clients.reduce((sum, it) => sum + (it.isYou ? 0 : it.running), 0);
  const detail = [
    `${others} ${clients.length > 2 ? "use" : "uses"} it too.`,
    running === 0
      ? ""
      : `${count(running, "request")} of theirs will be broken off; Tandem's own windows send theirs again.`,
    "All of them connect to the new one.",
  ];
  const chosen = await vscode.window.showWarningMessage(
    "Restart Tandem's orchestrator?",
    { modal: true, detail: detail.filter((it) => it !== "").join(" ") },
    "Restart",
  );
  return chosen === "Restart";
}
