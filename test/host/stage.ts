import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser } from "playwright-core";
import { cacheFolder } from "../../server/platform/folders.ts";
import type { CodeServer } from "../setup/codeServer.ts";
import { openWindow, type Window } from "./page.ts";
import { startVsCode, type VsCode } from "./vscode.ts";

/** What every test in a real VS Code is played on. */
export interface Stage {
  readonly browser: Browser;
  readonly codeServer: CodeServer;
  readonly vsix: string;
  /** Where the evidence of a failure goes. */
  readonly resultsFolder: string;
}

/** What one test finds when it begins. */
export interface Scene {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The workspace: path to text. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

export interface Cast {
  readonly vscode: VsCode;
  readonly window: Window;
  /** The workspace's folder. */
  readonly folder: string;
  /** Opens the workspace in one more window. Who opens it disposes it. */
  anotherWindow(): Promise<Window>;
}

/** Plays a test in a VS Code and a workspace of its own. A failure leaves a picture and the logs behind and says where. */
export async function play(
  stage: Stage,
  scene: Scene,
  act: (cast: Cast) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using workspace = await makeWorkspace(scene.files);
  await using vscode = await startVsCode(
    {
      codeServer: stage.codeServer,
      vsix: stage.vsix,
      settings: scene.settings,
      // The home is empty, but models are not to be downloaded again.
      env: { TANDEM_CACHE: cacheFolder(), ...scene.env },
      flags: [],
    },
    signal,
  );
  await using window = await openWindow(stage.browser, vscode.origin, workspace.folder);
  const anotherWindow = () => openWindow(stage.browser, vscode.origin, workspace.folder);
  try {
    await Promise.race([act({ vscode, window, folder: workspace.folder, anotherWindow }), aborted(signal)]);
  } catch (error) {
    const evidence = join(stage.resultsFolder, scene.name.replace(/[^a-z0-9]+/gi, "-"));
    await keepEvidence(evidence, vscode, window);
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\nsee ${evidence}`, { cause: error });
  }
}

/** Rejects when the signal fires: what a test waits for may never come. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** A workspace under a real path: file names are compared with what VS Code shows. */
export async function makeWorkspace(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "tandem-workspace-")));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** A picture, the browser's console, the server's log and Tandem's own. */
export async function keepEvidence(folder: string, vscode: VsCode, window: Window): Promise<void> {
  await mkdir(folder, { recursive: true });
  // The page may be what is broken; the rest is kept all the same.
  const problem = await window.screenshot(join(folder, "screenshot.png")).then(() => "", String);
  await writeFile(join(folder, "console.txt"), [...window.console, problem].join("\n"));
  await writeFile(join(folder, "server.log"), vscode.log());
  const logs = join(vscode.folder, "user", "logs");
  const names = await readdir(logs, { recursive: true }).catch(() => []);
  for (const name of names.filter((it) => /tandem.*\.log$|exthost\.log$|remoteexthost\.log$/i.test(it)))
    await writeFile(join(folder, name.replaceAll("/", "-")), await readFile(join(logs, name)));
}
