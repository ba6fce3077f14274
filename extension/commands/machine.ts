import * as vscode from "vscode";
import { doctor } from "../../server/protocol/doctor.ts";
import type { App } from "../app.ts";
import { failureOf } from "../failure.ts";
import { showFailure } from "../task.ts";

/** Asks the orchestrator to look at its machine, and shows what it found. */
export async function checkMachine(app: App): Promise<void> {
  const abort = new AbortController();
  const options = { location: vscode.ProgressLocation.Notification, title: "Tandem: Checking…", cancellable: true };
  try {
    const found = await vscode.window.withProgress(options, async (_, token) => {
      token.onCancellationRequested(() => abort.abort());
      return (await app.orchestrator()).send(doctor, {}, { signal: abort.signal });
    });
    await app.machineReport.show(found.markdown);
  } catch (error) {
    if (!abort.signal.aborted) await showFailure(failureOf(error, null), () => undefined);
  }
}
