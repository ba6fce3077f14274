import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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

/** The real command line as a process of its own, with none of this machine's settings. */
export function startCli(args: readonly string[], options: { cwd: string; env?: Record<string, string> }): RunningCli {
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

export const runCli = (args: readonly string[], options: { cwd: string; env?: Record<string, string> }) =>
  startCli(args, options).ended;

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
