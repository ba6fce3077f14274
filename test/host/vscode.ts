import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { CodeServer } from "../setup/codeServer.ts";
import { kill, type Process, stillRunning } from "../setup/processes.ts";
import { membersOf } from "./members.ts";

const run = promisify(execFile);
const START_TIMEOUT_MS = 30_000;
const LEAVE_TIMEOUT_MS = 8_000;
const POLL_MS = 50;
const LOG_LIMIT = 200_000;

/** Keeps everything quiet that is not under test. */
const QUIET = {
  "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "window.commandCenter": false,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "chat.disableAIFeatures": true,
  "git.enabled": false,
  "files.autoSave": "off",
  "typescript.tsserver.automaticTypeAcquisition.enabled": false,
};

export interface VsCodeOptions {
  readonly codeServer: CodeServer;
  /** Installed before the start; null installs nothing. */
  readonly vsix: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string>>;
  /** More of VS Code's own options, as `enable-smoke-test-driver`. */
  readonly flags: readonly string[];
}

/** A VS Code server of our own, in an empty home. */
export interface VsCode extends AsyncDisposable {
  readonly origin: string;
  /** Where its logs, settings and extensions are; removed at the end. */
  readonly folder: string;
  /** For a command line that is to meet its windows' orchestrator. */
  readonly instance: Readonly<Record<string, string>>;
  log(): string;
  /** Every process it started, directly or not, and the orchestrator. */
  processes(signal: AbortSignal): Promise<Process[]>;
  /** Asks it to leave as a closed editor does, and answers with what is left when the orchestrator has had its grace time. */
  leave(signal: AbortSignal): Promise<Process[]>;
}

const leaders = new Set<number>();
process.on("exit", () => {
  for (const pid of leaders) kill(-pid);
});

/** Starts VS Code on a free port. Whatever happens, nothing it started is left when it is disposed or this process exits. */
export async function startVsCode(options: VsCodeOptions, signal: AbortSignal): Promise<VsCode> {
  // Short: the orchestrator's socket lies in it, and a socket's path has little room.
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  try {
    return await startIn(folder, options, signal);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}

async function startIn(folder: string, options: VsCodeOptions, signal: AbortSignal): Promise<VsCode> {
  await mkdir(join(folder, "user", "User"), { recursive: true });
  await writeFile(join(folder, "user", "User", "settings.json"), JSON.stringify({ ...QUIET, ...options.settings }));
  const env = environment(folder, options.env);
  const { node, entry } = options.codeServer;
  if (options.vsix)
    await run(node, [entry, ...folders(folder), "--install-extension", options.vsix], {
      env,
      signal,
      timeout: START_TIMEOUT_MS,
    });
  const server = spawn(node, [entry, ...folders(folder), ...serverFlags(options.flags)], { env, detached: true });
  if (server.pid === undefined) throw new Error(`${node} could not be started`);
  const leader = server.pid;
  leaders.add(leader);
  const log = keepLog(server);
  const stop = async () => {
    const alive = await membersOf(leader, folder, AbortSignal.timeout(LEAVE_TIMEOUT_MS));
    if (leaders.delete(leader)) kill(-leader);
    for (const it of alive) kill(it.pid);
    await removeFolder(folder);
  };
  try {
    return {
      origin: await listening(server, log, signal),
      folder,
      instance: { ...instanceIn(folder), ...options.env },
      log,
      processes: (until) => membersOf(leader, folder, until),
      leave: (until) => leave(leader, folder, until),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** An orchestrator of its own, which leaves soon after the last window. */
function instanceIn(folder: string): Record<string, string> {
  return { TANDEM_STATE: join(folder, "state"), TANDEM_RUNTIME: join(folder, "run"), TANDEM_GRACE_MS: "1000" };
}

function environment(folder: string, more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const home = join(folder, "home");
  return {
    ...process.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, ".config"),
    XDG_DATA_HOME: join(home, ".local", "share"),
    XDG_CACHE_HOME: join(home, ".cache"),
    ...instanceIn(folder),
    /** Without an address no extension gallery is asked. */
    EXTENSIONS_GALLERY: JSON.stringify({ serviceUrl: "" }),
    ...more,
  };
}

function folders(folder: string): string[] {
  const of = (name: string) => join(folder, name);
  return ["--config", of("config.yaml"), "--user-data-dir", of("user"), "--extensions-dir", of("extensions")];
}

/** A short grace time, because extension hosts otherwise stay for hours after their page has gone. */
function serverFlags(more: readonly string[]): string[] {
  const flags = ["telemetry", "update-check", "workspace-trust", "getting-started-override", "proxy"];
  return [
    ...["--auth", "none", "--bind-addr", "127.0.0.1:0", "--ignore-last-opened", "--reconnection-grace-time", "5"],
    ...flags.map((name) => `--disable-${name}`),
    ...more.flatMap((flag) => ["--vscode-option", flag]),
  ];
}

function keepLog(server: ChildProcess): () => string {
  let text = "";
  const keep = (chunk: Buffer) => {
    text = (text + chunk).slice(-LOG_LIMIT);
  };
  server.stdout?.on("data", keep);
  server.stderr?.on("data", keep);
  return () => text;
}

async function listening(server: ChildProcess, log: () => string, signal: AbortSignal): Promise<string> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const exited = once(server, "exit", { signal: until }).then(() => {
    throw new Error(`code-server left at once:\n${log()}`);
  });
  const found = (async () => {
    for (;;) {
      const match = /listening on (http:\/\/127\.0\.0\.1:\d+)/.exec(log());
      if (match?.[1]) return match[1];
      await once(server.stdout ?? server, "data", { signal: until });
    }
  })();
  return Promise.race([found, exited]).finally(() => {
    exited.catch(() => {});
    found.catch(() => {});
  });
}

async function leave(leader: number, folder: string, signal: AbortSignal): Promise<Process[]> {
  const all = await membersOf(leader, folder, signal);
  process.kill(leader, "SIGTERM");
  const deadline = performance.now() + LEAVE_TIMEOUT_MS;
  for (;;) {
    const left = new Set(await stillRunning(all.map((it) => it.pid)));
    if (left.size === 0 || performance.now() >= deadline) return all.filter((it) => left.has(it.pid));
    await delay(POLL_MS, undefined, { signal });
  }
}

async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
