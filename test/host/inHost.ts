import { readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { cacheFolder } from "../../server/platform/folders.ts";
import { openWindow } from "./page.ts";
import { REPORT_PORT, Report } from "./report.ts";
import type { Results } from "./results.ts";
import { keepEvidence, makeWorkspace, type Stage } from "./stage.ts";
import { startVsCode, type VsCode } from "./vscode.ts";

const SUITE_TIMEOUT_MS = 120_000;

/** Runs the Mocha tests inside VS Code's extension host. They end with it: a host that dies or hangs is a failure. */
export async function runInHost(stage: Stage, results: Results, signal: AbortSignal): Promise<void> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(SUITE_TIMEOUT_MS)]);
  await using receiver = await receiveReports(results);
  await using workspace = await makeWorkspace({});
  await using vscode = await startVsCode(
    {
      codeServer: stage.codeServer,
      vsix: stage.vsix,
      settings: {},
      env: { TANDEM_CACHE: cacheFolder(), [REPORT_PORT]: String(receiver.port) },
      // Without it VS Code takes no tests from a page's address. It hides notifications.
      flags: ["enable-smoke-test-driver"],
    },
    until,
  );
  const extension = await installedExtension(vscode);
  const suite = await bundleSuite(extension);
  const remote = (path: string) => `vscode-remote://${new URL(vscode.origin).host}${path}`;
  await using window = await openWindow(stage.browser, vscode.origin, workspace.folder, [
    // VS Code takes tests only beside an extension under development: ours as it was installed.
    ["extensionDevelopmentPath", remote(extension)],
    ["extensionTestsPath", remote(suite)],
  ]);
  const outcome = await receiver.outcome(until);
  if (outcome === "done") return;
  const evidence = join(stage.resultsFolder, "in-host");
  await keepEvidence(evidence, vscode, window);
  results.failed("the tests inside VS Code run to their end", `${outcome}\nsee ${evidence}`);
}

async function installedExtension(vscode: VsCode): Promise<string> {
  const folder = join(vscode.folder, "extensions");
  const entries = await readdir(folder, { withFileTypes: true });
  const extension = entries.find((entry) => entry.isDirectory());
  if (!extension) throw new Error(`no extension is installed in ${folder}`);
  return join(folder, extension.name);
}

/** The tests lie inside the extension, so that VS Code hands both the same API: they hear what it tells the user. */
async function bundleSuite(extension: string): Promise<string> {
  const outfile = join(extension, "tests.cjs");
  const mocha = createRequire(import.meta.url).resolve("mocha");
  await build({
    entryPoints: [join(import.meta.dirname, "suite", "index.ts")],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    sourcemap: "inline",
    alias: { mocha },
    external: ["vscode", mocha],
    logLevel: "warning",
  });
  return outfile;
}

interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** "done", or why the tests did not come to their end. */
  outcome(signal: AbortSignal): Promise<string>;
}

async function receiveReports(results: Results): Promise<Receiver> {
  const ended = Promise.withResolvers<string>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", (error) => ended.resolve(String(error)));
    const lines = createInterface({ input: socket });
    lines.on("line", (line) => {
      const report = Report.parse(JSON.parse(line));
      if (report.kind === "done") ended.resolve("done");
      else if (report.kind === "passed") results.passed(report.title, report.ms);
      else results.failed(report.title, report.error);
    });
    lines.on("close", () => ended.resolve("the extension host went away"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to report to");
  return {
    port: address.port,
    outcome: (signal) => {
      const aborted = Promise.withResolvers<string>();
      signal.addEventListener("abort", () => aborted.resolve(String(signal.reason)), { once: true });
      return Promise.race([ended.promise, aborted.promise]);
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
