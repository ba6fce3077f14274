import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { FromChild, type ToChild } from "../engine/wire.ts";

/** Between asking to leave, SIGTERM and SIGKILL. */
const LEAVE_MS = 1_000;
const MAX_STDERR_CHARS = 2_000;

/** How a process ended. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last it wrote to stderr: what an assertion in native code leaves behind. */
  readonly lastWords: string;
}

/** An engine's process and the messages to and from it. */
export interface EngineChild extends AsyncDisposable {
  readonly pid: number | null;
  send(message: ToChild): void;
  /** Resolves when the process is no more; never rejects. */
  readonly ended: Promise<Ending>;
  /** At once and hard: for a process that does not answer. */
  kill(): void;
}

export function startEngineChild(
  given: { path: string; env: Record<string, string> },
  onMessage: (message: FromChild) => void,
): EngineChild {
  const child = fork(given.path, [String(process.pid)], {
    env: given.env,
    // Flags of this process (test runners, inspectors) are not the child's.
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    serialization: "json",
  });
  const ended = endingOf(child);
  child.on("message", (raw) => onMessage(FromChild.parse(raw)));
  return {
    pid: child.pid ?? null,
    ended,
    send(message) {
      // A channel that has closed is told by `ended`.
      if (child.connected) child.send(message, () => {});
    },
    kill: () => void child.kill("SIGKILL"),
    [Symbol.asyncDispose]: () => stop(child, ended),
  };
}

async function stop(child: ChildProcess, ended: Promise<Ending>): Promise<void> {
  const leave: ToChild = { kind: "leave" };
  if (child.connected) child.send(leave, () => {});
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const timer = new AbortController();
    const isGone = await Promise.race([
      ended.then(() => true),
      wait(LEAVE_MS, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    if (isGone) return;
    child.kill(signal);
  }
  await ended;
}

async function endingOf(child: ChildProcess): Promise<Ending> {
  let lastWords = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    lastWords = (lastWords + text).slice(-MAX_STDERR_CHARS);
  });
  try {
    // `close` comes after `exit`, when stderr has been read to its end. An error (no such program) rejects.
    const [exitCode, signal] = await once(child, "close");
    return {
      exitCode: typeof exitCode === "number" ? exitCode : null,
      signal: typeof signal === "string" ? signal : null,
      lastWords,
    };
  } catch (error) {
    return { exitCode: null, signal: null, lastWords: String(error) };
  }
}
