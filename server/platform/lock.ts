/** SQLite's result code for "somebody else has it". */
const SQLITE_BUSY = 5;

/**
 * Takes a lock that only one process on this machine can have and that ends with the process, however it ends: SQLite's
 * write lock on an otherwise empty database, which the operating system keeps. Null while another has it. The file stays,
 * empty, since removing it would let two processes lock two files.
 *
 * `IMMEDIATE`, because it is one step: for an exclusive lock SQLite first shares the file, and two that share it at the same
 * instant refuse each other. The journal is kept in memory, or a killed process would leave one to be rolled back.
 */
export async function tryLock(path: string): Promise<Disposable | null> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("PRAGMA journal_mode = MEMORY");
    database.exec("BEGIN IMMEDIATE");
    return { [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
}
