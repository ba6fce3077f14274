import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const LISTING_MS = 2_000;
/** A server has some workers; a tree larger than this is not one. */
const MOST_DESCENDANTS = 256;
const MAX_LISTING_BYTES = 4_000_000;

/** The process and all that it and its children started, as far as this system tells; at least the process itself. */
export async function withDescendants(pid: number): Promise<number[]> {
  const parents = await parentsOf().catch(() => new Map<number, number>());
  const found = [pid];
  for (const parent of found) {
    for (const [child, its] of parents) if (its === parent && !found.includes(child)) found.push(child);
    if (found.length >= MOST_DESCENDANTS) break;
  }
  return found.slice(0, MOST_DESCENDANTS);
}

/** Each process's parent. Windows would need a second for it, and engines there have no children. */
async function parentsOf(): Promise<Map<number, number>> {
  if (process.platform === "linux") return fromProc();
  return process.platform === "win32" ? new Map() : fromPs();
}

async function fromProc(): Promise<Map<number, number>> {
  const pids = (await readdir("/proc")).filter((it) => /^\d+$/.test(it));
  const pairs = await Promise.all(
    pids.map(async (pid) => {
      // One that ends meanwhile has no children left to find.
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return [Number(pid), Number(parent)] as const;
    }),
  );
  return new Map(pairs.filter(([, parent]) => Number.isInteger(parent)));
}

async function fromPs(): Promise<Map<number, number>> {
  const options = { timeout: LISTING_MS, maxBuffer: MAX_LISTING_BYTES };
  const { stdout } = await run("/bin/ps", ["-axo", "pid=,ppid="], options);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  return new Map(rows.flatMap(([pid, parent]) => (pid === undefined || parent === undefined ? [] : [[pid, parent]])));
}
