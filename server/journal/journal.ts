import { join } from "node:path";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import { isAlive, startMark } from "../platform/processes.ts";
import type { Journal, Log } from "../ports.ts";
import { openFile, type Tables } from "./file.ts";
import { type Begun, digestOf, isFresh, type OpenLife } from "./lifeTable.ts";
import { createQueue, type Later } from "./queue.ts";
import { withoutPlaces } from "./scrub.ts";
import { createStore, type Store } from "./store.ts";

export interface JournalDeps {
  /** Made where it is missing; nobody else may look into it. */
  readonly folder: string;
  readonly log: Log;
  /** Milliseconds since 1970: ages are told from one process to the next. */
  readonly wallMs: () => number;
  readonly mostBytes?: number;
  /** When decisions are written; left out: at once. */
  readonly later?: Later;
}

/** 5,000 decisions and 2,000 inputs of the largest size, with room to spare. It keeps the disk from being filled, whatever goes wrong. */
const MOST_BYTES = 160_000_000;

/** Ages are told in minutes; a busy orchestrator writes hundreds of times a second. */
const SEEN_MS = 1_000;

/** A life in a journal that cannot be used. */
const NOTHING: Begun = { number: 0, last: null, intents: new Map() };

/**
 * Opens the journal in this folder and tells how the orchestrator before ended. It never rejects for what the disk holds or
 * refuses: a journal that cannot be used is quiet.
 */
export async function createJournal(deps: JournalDeps): Promise<Journal> {
  const { folder, log, wallMs, mostBytes = MOST_BYTES, later = null } = deps;
  let life = NOTHING;
  const begin = ({ lives }: Tables, lost: readonly number[]) =>
    lives.begin({ pid: process.pid, nowMs: wallMs(), lost });
  const onAnew = (tables: Tables) => {
    life = { ...life, number: begin(tables, []).number };
  };
  const store = await openStore({ folder, log, mostBytes, onAnew });
  const lost = await lostLives(store.attempt([], ({ lives }) => lives.open()));
  life = store.attempt(NOTHING, (tables) => begin(tables, lost));
  // On Windows it takes a second to ask; nothing waits for it.
  void startMark(process.pid).then((mark) => {
    if (mark !== null) store.attempt(undefined, ({ lives }) => lives.mark(life.number, mark));
  });

  let seenMs = wallMs();
  const write = (work: (tables: Tables) => void) =>
    store.attempt(undefined, (tables) => {
      work(tables);
      const nowMs = wallMs();
      if (Math.abs(nowMs - seenMs) < SEEN_MS) return;
      tables.lives.seen(life.number, nowMs);
      seenMs = nowMs;
    });
  const told = createQueue<(tables: Tables) => void>(later, (works) =>
    write((tables) => {
      const doAll = () => {
        for (const it of works) it(tables);
      };
      if (works.length === 1) doAll();
      else tables.together(doAll);
    }),
  );
  return {
    lastLife: life.last,
    intended: [...life.intents.values()],
    takeIntended: takingOnce(life.intents, wallMs),
    remember: (key, description) =>
      write(({ lives }) => lives.remember(life.number, digestOf(key), withoutPlaces(description))),
    forget: (key) => write(({ lives }) => lives.forget(life.number, digestOf(key))),
    decided: (decision, input = null) => told.add(({ decisions }) => decisions.insert(life.number, decision, input)),
    fellBack: (id, seam) => told.add(({ decisions }) => decisions.fallBack(id, seam)),
    ended: (id, outcome) => told.add(({ decisions }) => decisions.end(id, outcome)),
    decisions(page) {
      told.flush();
      return store.attempt([], ({ decisions }) => decisions.page(page));
    },
    closeCleanly() {
      told.flush();
      store.attempt(undefined, ({ lives }) => lives.endCleanly(life.number, wallMs()));
      store[Symbol.dispose]();
    },
    [Symbol.dispose]() {
      told.flush();
      store[Symbol.dispose]();
    },
  };
}

/** Each intent is taken once, and not when it has become too old. */
function takingOnce(found: Begun["intents"], wallMs: () => number): Journal["takeIntended"] {
  const intents = new Map(found);
  return (key) => {
    const digest = digestOf(key);
    const intent = intents.get(digest);
    return intents.delete(digest) && intent !== undefined && isFresh(intent, wallMs());
  };
}

interface Opening extends Required<Pick<JournalDeps, "folder" | "log" | "mostBytes">> {
  readonly onAnew: (tables: Tables) => void;
}

/** A Node without SQLite, or a folder that cannot be had, is as good as a disk that is full. */
async function openStore({ folder, log, mostBytes, onAnew }: Opening): Promise<Store<Tables>> {
  try {
    const [sqlite] = await Promise.all([import("node:sqlite"), ensurePrivateFolder(folder)]);
    const open = (path: string) => openFile(sqlite, path, mostBytes);
    return createStore({ what: "the journal", path: join(folder, "journal.db"), open, log, onAnew });
  } catch (error) {
    log.warn("there is no journal", { folder, why: error instanceof Error ? error.message : String(error) });
    return { attempt: (otherwise) => otherwise, [Symbol.dispose]: () => undefined };
  }
}

/** Those whose process is gone. A number may have gone to another process meanwhile, or to this one. */
async function lostLives(open: readonly OpenLife[]): Promise<number[]> {
  const lost: number[] = [];
  for (const { number, pid, mark } of open) {
    const isGone = pid === process.pid || !isAlive(pid) || (mark !== null && (await startMark(pid)) !== mark);
    if (isGone) lost.push(number);
  }
  return lost;
}
