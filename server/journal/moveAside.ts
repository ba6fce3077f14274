import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Enough to look into what happened; more only fill the disk. */
const MOST_KEPT = 3;
/** What SQLite keeps beside a database. Without the log it does not read the same. */
const COMPANIONS = ["-wal", "-shm"];

/** Renames `journal.db` to `journal.broken-N`, the newest with the highest number, and answers with its path. */
export function moveAside(path: string): string {
  const folder = dirname(path);
  const prefix = `${basename(path, ".db")}.broken-`;
  const numbers = readdirSync(folder)
    .filter((it) => it.startsWith(prefix) && /^\d+$/.test(it.slice(prefix.length)))
    .map((it) => Number(it.slice(prefix.length)))
    .sort((a, b) => b - a);
  const target = join(folder, `${prefix}${(numbers[0] ?? 0) + 1}`);
  renameSync(path, target);
  for (const companion of COMPANIONS) move(`${path}${companion}`, `${target}${companion}`);
  for (const old of numbers.slice(MOST_KEPT - 1))
    for (const companion of ["", ...COMPANIONS]) rmSync(join(folder, `${prefix}${old}${companion}`), { force: true });
  return target;
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
