import * as vscode from "vscode";
import { type Build, builds, getBuild } from "../../server/protocol/builds.ts";
import type { App } from "../app.ts";
import { failureOf } from "../failure.ts";
import { showFailure } from "../task.ts";

/** Lets the user choose one of the engines for this machine, and fetches it after he has agreed to its size, source and licence. */
export async function getEngine(app: App): Promise<void> {
  const abort = new AbortController();
  try {
    const orchestrator = await app.orchestrator();
    const list = await orchestrator.send(builds, {}, { signal: abort.signal });
    const build = await choose(list.builds);
    if (!build || !(await agrees(build))) return;
    const options = { location: vscode.ProgressLocation.Notification, title: "Tandem: Fetching", cancellable: true };
    const got = await vscode.window.withProgress(options, (progress, token) => {
      token.onCancellationRequested(() => abort.abort());
      let shown = 0;
      const onEvent = ({ progress: at }: { readonly progress: { readonly doneBytes: number } }) => {
        const percent = Math.min(100, (100 * at.doneBytes) / build.downloadBytes);
        progress.report({ increment: percent - shown, message: `${build.title}: ${megabytes(at.doneBytes)}` });
        shown = percent;
      };
      return orchestrator.send(getBuild, { id: build.id, build: build.build }, { signal: abort.signal, onEvent });
    });
    await offerUse(got);
  } catch (error) {
    if (!abort.signal.aborted) await showFailure(failureOf(error, null), () => undefined);
  }
}

async function choose(all: readonly Build[]): Promise<Build | null> {
  if (all.length === 0) {
    void vscode.window.showInformationMessage("There is no engine to be fetched for this kind of machine.");
    return null;
  }
  const items = all.map((build) => ({
    build,
    label: build.title,
    description: build.isHere ? "here" : megabytes(build.downloadBytes),
    detail:
      build.trouble && !build.isHere ? `$(warning) ${build.trouble.reason}` : `from ${build.source}, ${build.licence}`,
  }));
  const placeHolder = "Engines that models run in; what is fetched is checked against a hash that came with Tandem";
  const chosen = await vscode.window.showQuickPick(items, { title: "Tandem: Get GPU Engine", placeHolder });
  return chosen?.build ?? null;
}

/** What is here needs no fetching, and what could not be used is refused by the orchestrator, in its words. */
async function agrees(build: Build): Promise<boolean> {
  if (build.isHere || build.trouble) return true;
  const detail = `${megabytes(build.downloadBytes)} come from ${build.source} (${build.licence}), and take about ${megabytes(build.unpackedBytes)} in ${build.folder}.`;
  return (
    (await vscode.window.showWarningMessage(`Fetch ${build.title}?`, { modal: true, detail }, "Fetch")) === "Fetch"
  );
}

async function offerUse({ title, program }: Build): Promise<void> {
  if (program === null) {
    void vscode.window.showInformationMessage(`${title} is here. The embedded engine uses it from its next load on.`);
    return;
  }
  const chosen = await vscode.window.showInformationMessage(`${title} is here: ${program}`, "Run Local Models in It");
  if (!chosen) return;
  await vscode.workspace.getConfiguration("tandem").update("llamaServer", program, vscode.ConfigurationTarget.Global);
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
