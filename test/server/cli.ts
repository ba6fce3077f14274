import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { createInstance } from "./instance.ts";

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
