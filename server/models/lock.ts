import { setTimeout as sleep } from "node:timers/promises";
import { abortError, throwIfAborted } from "../errors.ts";

const POLL_MS = 250;
/** SQLite's result code for "somebody else has it". */
const SQLITE_BUSY = 5;

/**
 * Holds a lock that only one process on this machine can have and that ends with the process, however it ends: SQLite's
 * exclusive lock on an otherwise empty database, which the operating system keeps. While another holds it `onWait` is
 * called four times a second. The file stays, empty, since removing it would let two processes lock two files.
 */
export async function acquireLock(path: string, onWait: () => Promise<void>, signal: AbortSignal): Promise<Disposable> {
  const { DatabaseSync } = await import("node:sqlite");
  for (;;) {
    throwIfAborted(signal);
    const database = new DatabaseSync(path, { timeout: 0 });
    try {
      database.exec("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      database.close();
      if (!(error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY)) throw error;
    }
    await onWait();
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw abortError(signal);
    });
  }
}
