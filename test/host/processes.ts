import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** One line of the system's process table. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly command: string;
}

/** The processes under `leader`, itself included, and what shares its process group. Dead ones that wait to be collected do not count. */
export async function family(leader: number, signal: AbortSignal): Promise<Process[]> {
  const all = await processes(signal);
  const members = new Map(all.filter((it) => it.pid === leader || it.group === leader).map((it) => [it.pid, it]));
  let size = -1;
  while (size !== members.size) {
    size = members.size;
    for (const it of all) if (members.has(it.parent)) members.set(it.pid, it);
  }
  return [...members.values()];
}

/** Whether the process is still there. */
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

async function processes(signal: AbortSignal): Promise<Process[]> {
  const { stdout } = await run("ps", ["-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,args="], {
    maxBuffer: 16 * 1024 * 1024,
    signal,
  });
  return stdout.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (!match || match[4]?.startsWith("Z")) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), group: Number(match[3]), command: match[5] ?? "" }];
  });
}
