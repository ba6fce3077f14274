import { dirname } from "node:path";
import type { Log } from "../ports.ts";
import { failureKind } from "./failure.ts";
import { moveAside } from "./moveAside.ts";

/** Owns a database file, and sees to it that nothing that befalls it reaches anybody. */
export interface Store<Tables> extends Disposable {
  /** What `work` answers, or `otherwise` where the file cannot be used. */
  attempt<T>(otherwise: T, work: (tables: Tables) => T): T;
}

export interface StoreDeps<Tables> {
  /** For the log: "the journal". */
  readonly what: string;
  /** It ends in ".db". */
  readonly path: string;
  /** Begins a file where there is none. Throws what `failureKind` knows. */
  readonly open: (path: string) => Tables & Disposable;
  readonly log: Log;
  /** A new file had to be begun while this process was writing to the old one. */
  readonly onAnew: (tables: Tables) => void;
}

/** Whoever holds the file so long has hung: every further try would stop this process for half a second. */
const MOST_BUSY = 3;

export function createStore<Tables>({ what, path, log, onAnew, ...deps }: StoreDeps<Tables>): Store<Tables> {
  const folder = dirname(path);
  let file: (Tables & Disposable) | null = null;
  let busy = 0;
  let isReplaced = false;

  function close(): void {
    const closing = file;
    file = null;
    closing?.[Symbol.dispose]();
  }

  function open(prepare: () => void): void {
    try {
      prepare();
      file = deps.open(path);
    } catch (error) {
      settle(error);
    }
  }

  /** What a failure leads to. Throws what is a bug. */
  function settle(error: unknown): void {
    const kind = failureKind(error);
    if (kind === null) throw error;
    if (kind === "busy" && file !== null && ++busy < MOST_BUSY) return;
    close();
    const why = error instanceof Error ? error.message : String(error);
    if (kind === "newer") log.warn(`${what} is a newer Tandem's: it is left alone`, { why });
    // A second file that breaks lies on a disk that is broken.
    else if (kind === "broken" && !isReplaced) replace(why);
    else log.warn(`${what} cannot be written: nothing is kept until the next start`, { folder, why });
  }

  function replace(why: string): void {
    isReplaced = true;
    open(() => log.warn(`${what} cannot be read: a new one is begun`, { why, kept: moveAside(path) }));
  }

  const attempt: Store<Tables>["attempt"] = (otherwise, work) => {
    const used = file;
    if (used === null) return otherwise;
    try {
      const result = work(used);
      busy = 0;
      return result;
    } catch (error) {
      settle(error);
      if (file !== used) attempt(undefined, onAnew);
      return otherwise;
    }
  };

  open(() => undefined);
  return { attempt, [Symbol.dispose]: close };
}
