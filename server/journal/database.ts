import { closeSync, openSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { UnfitFile } from "./failure.ts";
import { transaction } from "./transaction.ts";

/** node:sqlite, imported by whoever can wait for it. */
export type Sqlite = typeof import("node:sqlite");

/** "TAND": SQLite keeps it in the file, for telling whose it is. */
const APPLICATION_ID = 0x54414e44;
/** Two orchestrators write at the same time while one moves out; each write takes microseconds. */
const BUSY_MS = 500;
const PAGE_BYTES = 4_096;

export interface DatabaseGiven {
  readonly path: string;
  /** The file grows no larger; SQLite's log beside it has up to 4 MB more. */
  readonly mostBytes: number;
  /** Its tables, as `migrate` takes them. */
  readonly steps: readonly string[];
}

/** Opens a database of ours, or begins one where there is none, and grows it no larger. A file that is not ours is left as it is. */
export function openDatabase({ DatabaseSync }: Sqlite, { path, mostBytes, steps }: DatabaseGiven): DatabaseSync {
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path, { timeout: BUSY_MS });
  try {
    refuseOthers(database, steps.length);
    // WAL: a killed process loses nothing that it has written, and readers wait for nobody. A power cut may cost the last entries.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA max_page_count = ${Math.floor(mostBytes / PAGE_BYTES)}`);
    migrate(database, steps);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Brings the tables from the version they have to that of the last step. */
export function migrate(database: DatabaseSync, steps: readonly string[]): void {
  transaction(database, () => {
    // Read in the transaction: another process may have done it by now.
    const version = numberOf(database, "PRAGMA user_version");
    if (version >= steps.length) return;
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${steps.length}`);
  });
}

function refuseOthers(database: DatabaseSync, known: number): void {
  const id = numberOf(database, "PRAGMA application_id");
  const version = numberOf(database, "PRAGMA user_version");
  const isEmpty = numberOf(database, "SELECT count(*) FROM sqlite_schema") === 0;
  if (id !== APPLICATION_ID && !isEmpty) throw new UnfitFile("broken", "it is another program's database");
  if (version > known) throw new UnfitFile("newer", `it has version ${version}, and this Tandem knows ${known}`);
}

function numberOf(database: DatabaseSync, query: string): number {
  const [value] = Object.values(database.prepare(query).get() ?? {});
  return Number(value);
}
