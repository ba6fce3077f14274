import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createInstance } from "./instance.ts";

const POLL_MS = 50;
const GONE_MS = 20_000;
const CLI = fileURLToPath(new URL("../../server/cli.ts", import.meta.url));

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  /** Lines of stdout as they come. */
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<CliRun>;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The real command line as a process of its own, with none of this machine's settings. Without an instance in `env` it is the user's own. */
export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TANDEM_")));
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: options.cwd,
    env: { ...env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve));
  const collected = Promise.all([text(child.stdout), text(child.stderr), closed]);
  return {
    process: child,
    lines: createInterface({ input: child.stdout }),
    ended: collected.then(([stdout, stderr, code]) => ({ code, stdout, stderr })),
  };
}

/** Runs it to its end, in an instance of its own unless `env` names one. */
export async function runCli(args: readonly string[], { cwd, env = {} }: CliOptions): Promise<CliRun> {
  if (env.TANDEM_STATE !== undefined) return startCli(args, { cwd, env }).ended;
  await using instance = await createInstance();
  return await startCli(args, { cwd, env: { ...instance.env, ...env } }).ended;
}

/** The processes below one, as the system has them now. */
export async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid="]);
  const parents = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found: number[] = [];
  const below = [pid];
  for (let at = below.pop(); at !== undefined; at = below.pop()) {
    const children = parents.filter(([, parent]) => parent === at).map(([child]) => child ?? 0);
    found.push(...children);
    below.push(...children);
  }
  return found;
}

/** Those of them that still run. A process that has ended but was not yet waited for counts as gone. */
export async function stillRunning(pids: readonly number[]): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,stat="]);
  const alive = new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/) as [string, string])
      .map(([pid, stat]) => [Number(pid), stat]),
  );
  return pids.filter((pid) => alive.has(pid) && !alive.get(pid)?.startsWith("Z"));
}

/** Resolves when none of them runs any more. */
export async function allGone(pids: readonly number[]): Promise<void> {
  const deadline = AbortSignal.timeout(GONE_MS);
  for (;;) {
    const left = await stillRunning(pids);
    if (left.length === 0) return;
    if (deadline.aborted) throw new Error(`still running: ${left.join(", ")}`);
    await wait(POLL_MS);
  }
}
