import { type ChildProcess, fork } from "node:child_process";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import { startMark } from "../platform/processes.ts";
import type { Log } from "../ports.ts";
import { endGroup } from "./group.ts";
import { entryPath, type Register } from "./register.ts";
import { FromShim, type ToShim } from "./wire.ts";

const MAX_OUTPUT_CHARS = 8_000;
/** The shim kills after three seconds; it has one more to say so. */
const STOP_MS = 4_000;
const LISTEN_MS = 500;

/** What to start, and with what. */
export interface ForeignSpec {
  readonly program: string;
  readonly args: readonly string[];
  /** All of the program's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The shim's program. */
  readonly shimPath: string;
  /** Null: it is written down nowhere, and nobody finds it should the shim be killed together with this process. */
  readonly register: Register | null;
  readonly log: Log;
  /** Hears what the program writes to stdout and stderr, in pieces cut anywhere. */
  readonly onOutput?: (text: string) => void;
}

/** How a program ended. */
export interface ForeignEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A program that is not ours, with a watchdog of ours. Disposing ends it. */
export interface Foreign extends AsyncDisposable {
  /** The program's own number, not the watchdog's. */
  readonly pid: number;
  /** Resolves when the program is no more; never rejects. */
  readonly gone: Promise<ForeignEnd>;
  /** The last of what it wrote to stdout and stderr. */
  lastWords(): string;
}

/**
 * Starts the program under a watchdog, which ends it when this process has gone, however this one died. Throws TandemError:
 * not-configured (no such program, or it may not be run), provider (the watchdog broke), cancelled.
 */
export async function startForeign(spec: ForeignSpec, signal: AbortSignal): Promise<Foreign> {
  throwIfAborted(signal);
  const shim = fork(spec.shimPath, [String(process.pid)], {
    env: shimEnvironment(spec.env),
    // Flags of this process (test runners, inspectors) are not the shim's.
    execArgv: [],
    // A signal to this process's group must not reach it: it is the one who tidies up.
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    serialization: "json",
  });
  const watched = watch(shim, spec);
  const stop = () => watched.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { program, env, args, register } = spec;
    const orchestrator = await register?.owner();
    const where = register && orchestrator ? { folder: register.folder, orchestrator } : null;
    const start: ToShim = { kind: "start", program, args: [...args], env: { ...env }, register: where };
    shim.send(start, () => {});
    const pid = await watched.started;
    throwIfAborted(signal);
    return { pid, gone: watched.gone, lastWords: watched.lastWords, [Symbol.asyncDispose]: watched.dispose };
  } catch (error) {
    await watched.dispose();
    throw signal.aborted ? abortError(signal) : error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

interface Watched {
  readonly started: Promise<number>;
  readonly gone: Promise<ForeignEnd>;
  lastWords(): string;
  stop(): void;
  dispose(): Promise<void>;
}

function watch(shim: ChildProcess, spec: ForeignSpec): Watched {
  const started = Promise.withResolvers<number>();
  started.promise.catch(() => {}); // it may fail before anybody waits for it
  const mark = started.promise.then(startMark, () => null);
  let end: ForeignEnd | null = null;
  shim.on("message", (raw) => {
    const message = FromShim.parse(raw);
    if (message.kind === "started") started.resolve(message.pid);
    else if (message.kind === "failed") started.reject(cannotStart(spec.program, message.message));
    else end = { exitCode: message.exitCode, signal: message.signal };
  });
  const left = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  shim.on("exit", () => left.resolve());
  shim.on("close", () => closed.resolve());
  shim.on("error", (error) => {
    started.reject(brokenShim(error));
    if (shim.pid === undefined) left.resolve();
  });
  const forget = writeDown(shim, spec);
  const gone = left.promise.then(async () => {
    started.reject(brokenShim(null));
    const pid = await started.promise.catch(() => null);
    // The watchdog itself was killed: its program runs on, and nobody else would end it.
    if (end === null && pid !== null) await endLeftBehind(pid, await mark, spec.log);
    await forget(pid);
    // What it said last may still be on its way; a program that it left behind can hold the pipe open.
    await Promise.race([closed.promise, wait(LISTEN_MS)]);
    return end ?? { exitCode: null, signal: null };
  });
  const stop = () => {
    const message: ToShim = { kind: "stop" };
    if (shim.connected) shim.send(message, () => {});
  };
  return {
    started: started.promise,
    gone,
    lastWords: lastOutput(shim, spec.onOutput),
    stop,
    dispose: () => leave(shim, stop, gone),
  };
}

async function leave(shim: ChildProcess, stop: () => void, gone: Promise<ForeignEnd>): Promise<void> {
  stop();
  const timer = new AbortController();
  const isGone = await Promise.race([
    gone.then(() => true),
    wait(STOP_MS, false, { signal: timer.signal }).catch(() => false),
  ]);
  timer.abort();
  // `gone` then sees to the program.
  if (!isGone) shim.kill("SIGKILL");
  await gone;
}

async function endLeftBehind(pid: number, mark: string | null, log: Log): Promise<void> {
  if (mark === null) return;
  try {
    await endGroup(pid, mark, { graceMs: STOP_MS }, new AbortController().signal);
    log.warn("watchdog was killed, its program ended", { pid });
  } catch (error) {
    log.error("program cannot be ended", { pid, reason: String(error) });
  }
}

/** Writes the shim down; the function takes the shim and its program out. */
function writeDown(shim: ChildProcess, { register, program, log }: ForeignSpec): (pid: number | null) => Promise<void> {
  const { pid: shimPid } = shim;
  if (register === null || shimPid === undefined) return async () => {};
  const name = `watchdog of ${basename(program)}`;
  const added = register.add({ pid: shimPid, kind: "shim", program: name }).catch((error: unknown) => {
    log.warn("process could not be written down", { pid: shimPid, reason: String(error) });
    return async () => {};
  });
  return async (pid) => {
    await (await added)();
    const orchestrator = await register.owner();
    if (pid !== null && orchestrator) await rm(entryPath(register.folder, orchestrator, pid), { force: true });
  };
}

function lastOutput(shim: ChildProcess, onOutput: ForeignSpec["onOutput"]): () => string {
  let output = "";
  for (const stream of [shim.stdout, shim.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-MAX_OUTPUT_CHARS);
      onOutput?.(text);
    });
  return () => output;
}

/** The shim is one of our programs: the editor's own binary would open a window without being told. */
function shimEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return process.versions.electron === undefined ? { ...env } : { ...env, ELECTRON_RUN_AS_NODE: "1" };
}

function cannotStart(program: string, why: string): TandemError {
  return new TandemError(
    "not-configured",
    `${program} cannot be started: ${why}`,
    "Correct the path in the settings, or install the program",
  );
}

function brokenShim(cause: Error | null): TandemError {
  return new TandemError("provider", "The watchdog of a server ended before it had started it", "Run it again", {
    cause: cause ?? undefined,
  });
}
