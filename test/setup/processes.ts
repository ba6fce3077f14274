import { execFile } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";

const run = promisify(execFile);
const POLL_MS = 50;
const GONE_MS = 20_000;
const MOST_OUTPUT_BYTES = 16 * 1024 * 1024;

/** One line of the system's process table. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its process group; 0 on Windows, which has none. */
  readonly group: number;
  readonly command: string;
}

/** Every process that runs. Dead ones that wait to be collected do not count. */
export async function processes(signal: AbortSignal): Promise<Process[]> {
  const [program, args, parse] = process.platform === "win32" ? POWERSHELL : PS;
  const { stdout } = await run(program, [...args], { maxBuffer: MOST_OUTPUT_BYTES, signal, windowsHide: true });
  return parse(stdout);
}

/** The processes under one that are there now. */
export async function descendants(pid: number, signal = AbortSignal.timeout(GONE_MS)): Promise<number[]> {
  return below(await processes(signal), [pid]).map((it) => it.pid);
}

/** The processes under `leader`, itself included, and what shares its process group, with all that is under that. */
export async function family(leader: number, signal: AbortSignal): Promise<Process[]> {
  const all = await processes(signal);
  const first = all.filter((it) => it.pid === leader || it.group === leader);
  const pids = first.map((it) => it.pid);
  return [...first, ...below(all, pids).filter((it) => !pids.includes(it.pid))];
}

/** Those of them that still run. A process that has ended but was not yet waited for counts as gone. */
export async function stillRunning(pids: readonly number[], signal = AbortSignal.timeout(GONE_MS)): Promise<number[]> {
  const alive = new Set((await processes(signal)).map((it) => it.pid));
  return pids.filter((pid) => alive.has(pid));
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

/** Whether the number is in use, be it by a dead process that waits to be collected. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends a process, or with a negative number a process group; it may be gone already. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Whatever is under one of the roots, these not included, in no order. */
export function below(all: readonly Process[], roots: readonly number[]): Process[] {
  const found = new Map<number, Process>();
  const open = [...roots];
  for (let at = open.pop(); at !== undefined; at = open.pop())
    for (const it of all)
      if (it.parent === at && !found.has(it.pid) && !roots.includes(it.pid)) {
        found.set(it.pid, it);
        open.push(it.pid);
      }
  return [...found.values()];
}

/** What Linux, macOS and the BSDs print for the options in `PS`. */
export function parsePs(text: string): Process[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, parent, group, state = "", command = ""] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || state.startsWith("Z")) return [];
    return [{ pid: Number(pid), parent: Number(parent), group: Number(group), command }];
  });
}

/** Windows tells the number a parent had; by now it may be a later process's, which is no parent. */
export function parsePowerShell(text: string): Process[] {
  const rows = Row.array().parse(JSON.parse(text));
  const startOf = new Map(rows.map((it) => [it.pid, it.start]));
  return rows.map(({ pid, parent, start, command }) => ({
    pid,
    parent: (startOf.get(parent) ?? Infinity) <= start ? parent : 0,
    group: 0,
    command: command ?? "",
  }));
}

const Row = z.object({
  pid: z.int(),
  parent: z.int(),
  /** Ticks of 100 ns; 0 where it is not told. */
  start: z.number(),
  command: z.string().nullable(),
});

const PS = ["ps", ["-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,args="], parsePs] as const;

/** An array even of one, and in an encoding that does not depend on the machine's language. */
const SCRIPT = `
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$rows = Get-CimInstance Win32_Process | ForEach-Object {
  $start = 0
  if ($_.CreationDate) { $start = $_.CreationDate.ToFileTimeUtc() }
  [pscustomobject]@{ pid = $_.ProcessId; parent = $_.ParentProcessId; start = $start; command = $_.CommandLine }
}
ConvertTo-Json -Compress -InputObject @($rows)`;
const POWERSHELL = ["powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", SCRIPT], parsePowerShell] as const;
