import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { TandemError } from "../../server/errors.ts";
import { acquireLock } from "../../server/models/lock.ts";
import { cacheFolder } from "../../server/platform/folders.ts";
import type { Say } from "./debian.ts";

/** VS Code 1.139.1 for a browser; the last part of its version is its own. */
const VERSION = "4.139.1";
const INSTALL_TIMEOUT_MS = 600_000;
const ENTRY = join("node_modules", "code-server", "out", "node", "entry.js");
const VSCODE = join("node_modules", "code-server", "lib", "vscode");

/**
 * Two of VS Code's native modules, in JavaScript: compiled they would need a compiler and Node's headers, and libkrb5 for
 * a neighbour of theirs that is never loaded. So nothing is compiled at all.
 */
const STAND_INS = ["spdlog", "native-watchdog"];

/** How VS Code's server is run: `node entry …`. */
export interface CodeServer {
  readonly node: string;
  readonly entry: string;
}

/** The VS Code server the tests run, from npm, kept outside the project and installed once. Throws TandemError not-configured. */
export async function ensureCodeServer(say: Say, signal: AbortSignal): Promise<CodeServer> {
  if (process.platform === "win32")
    throw new TandemError("not-configured", "code-server does not run on Windows", "Run the VS Code tests in WSL");
  const tools = join(cacheFolder(), "test-tools");
  const folder = join(tools, `code-server-${VERSION}`);
  const found = { node: process.execPath, entry: join(folder, ENTRY) };
  if (await isThere(found.entry)) return found;
  await mkdir(tools, { recursive: true });
  let isWaiting = false;
  const onWait = async () => {
    if (!isWaiting) say("waiting for another process that installs code-server");
    isWaiting = true;
  };
  using _lock = await acquireLock(`${folder}.lock`, onWait, signal);
  if (await isThere(found.entry)) return found;
  say(`installing code-server ${VERSION} from npm, once, into ${folder}`);
  for (const name of await readdir(tools))
    if (name.startsWith(`code-server-${VERSION}.part-`)) await rm(join(tools, name), { recursive: true, force: true });
  const part = `${folder}.part-${process.pid}`;
  await install(part, AbortSignal.any([signal, AbortSignal.timeout(INSTALL_TIMEOUT_MS)]));
  await rm(folder, { recursive: true, force: true });
  await rename(part, folder);
  say("code-server is installed");
  return found;
}

async function install(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true }));
  await npmInstall(folder, [`code-server@${VERSION}`], signal);
  await npmInstall(join(folder, VSCODE), [], signal);
  await npmInstall(join(folder, VSCODE, "extensions"), [], signal);
  for (const name of STAND_INS)
    await copyFile(
      join(import.meta.dirname, "standIns", `${name}.cjs`),
      join(folder, VSCODE, "node_modules", "@vscode", name, "index.js"),
    );
}

/** No install scripts: nothing is compiled. The bundled extensions ask for `install` themselves, so it is done for them. */
async function npmInstall(folder: string, names: readonly string[], signal: AbortSignal): Promise<void> {
  const args = ["install", "--ignore-scripts", "--omit=dev", "--no-progress", "--no-audit", "--no-fund", ...names];
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}` };
  const child = spawn("npm", args, { cwd: folder, env, signal, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk).slice(-4_000);
    });
  const [code] = await once(child, "exit");
  if (code === 0) return;
  signal.throwIfAborted();
  throw new TandemError(
    "not-configured",
    `npm could not install code-server ${VERSION}:\n${output}`,
    "Check that the npm registry can be reached and that the disk has 1 GB free, then start again",
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
