import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { win32 } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { abortError, throwIfAborted } from "../errors.ts";

const run = promisify(execFile);
/** PowerShell takes a second or two on a busy machine. */
const ASKING_MS = 15_000;
const POLL_MS = 20;
/** The kernel needs a moment to take a killed process away, more when it held much memory. */
const KILLING_MS = 10_000;
/** In /proc/PID/stat after the name: its state, and the clock ticks from the machine's start to its own. */
const STATE = 0;
const START_TICKS = 19;

/** Whether the process runs, ours or another user's. On Linux a dead one that nobody has collected does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  return process.platform !== "linux" || !isDead(statOf(pid));
}

/**
 * What tells a process from a later one with the same number. Null when there is none, when it is dead and only waits to be
 * collected, or when it cannot be told.
 */
export async function startMark(pid: number): Promise<string | null> {
  if (!isAlive(pid)) return null;
  if (process.platform === "linux") return markFromProc(pid);
  return process.platform === "win32" ? markFromPowerShell(pid) : markFromPs(pid);
}

/**
 * Ends the process if it is still the one with this mark: asks it to leave, and kills it when it has not after `graceMs`.
 * (Windows knows no asking.) `stranger`: the number is another process's, or nobody's; nothing was done.
 */
export async function endProcess(
  pid: number,
  mark: string,
  { graceMs }: { readonly graceMs: number },
  signal: AbortSignal,
): Promise<"ended" | "stranger"> {
  const isIt = async () => (await startMark(pid)) === mark;
  if (!(await isIt())) return "stranger";
  send(pid, "SIGTERM");
  if (await isGoneWithin(graceMs, isIt, signal)) return "ended";
  if (await isIt()) send(pid, "SIGKILL");
  if (await isGoneWithin(KILLING_MS, isIt, signal)) return "ended";
  throw new Error(`process ${pid} is still there ${KILLING_MS} ms after it was killed`);
}

async function isGoneWithin(limitMs: number, isThere: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  const deadlineMs = performance.now() + limitMs;
  while (await isThere()) {
    throwIfAborted(signal);
    if (performance.now() >= deadlineMs) return false;
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw abortError(signal);
    });
  }
  return true;
}

function send(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It went by itself in between.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

let bootId: Promise<string> | null = null;

async function markFromProc(pid: number): Promise<string | null> {
  bootId ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((it) => it.trim());
  const stat = statOf(pid);
  return stat === null || isDead(stat) ? null : `${await bootId} ${stat[START_TICKS]}`;
}

/** What the kernel says of a process, from its state on; null when it has gone, or is hidden from this user. The file is no disk's. */
function statOf(pid: number): readonly string[] | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The field before is the program's name in parentheses, and may hold spaces and parentheses itself.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function isDead(stat: readonly string[] | null): boolean {
  return stat?.[STATE] === "Z" || stat?.[STATE] === "X";
}

async function markFromPs(pid: number): Promise<string | null> {
  // The time is written in the reader's language and time zone unless told otherwise.
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const answer = await ask("/bin/ps", ["-o", "stat=,lstart=", "-p", String(pid)], env);
  const [state = "", ...start] = answer?.split(/\s+/) ?? [];
  return state.startsWith("Z") || start.length === 0 ? null : start.join(" ");
}

async function markFromPowerShell(pid: number): Promise<string | null> {
  const system = process.env.SystemRoot ?? "C:\\Windows";
  const program = win32.join(system, "System32", "WindowsPowerShell", "v1.0", "powershell.exe");
  const script = `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()`;
  const answer = await ask(program, ["-NoProfile", "-NonInteractive", "-Command", script], process.env);
  return answer && /^\d+$/.test(answer) ? answer : null;
}

/** What a program prints, trimmed; null when it fails, as these do for a process that is not there. */
async function ask(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  try {
    const { stdout } = await run(program, args, { env, timeout: ASKING_MS, windowsHide: true });
    return stdout.trim() || null;
  } catch {
    return null;
  }
}
