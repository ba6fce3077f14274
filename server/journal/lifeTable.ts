import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Intent, LastLife } from "../ports.ts";
import { transaction } from "./transaction.ts";

/** A life that has not said how it ended: its process runs, or it was killed. */
export interface OpenLife {
  readonly number: number;
  readonly pid: number;
  readonly mark: string | null;
}

export interface Beginning {
  readonly pid: number;
  readonly nowMs: number;
  /** Numbers of the lives whose process has gone without a word. */
  readonly lost: readonly number[];
}

/** What one life begins with. */
export interface Begun {
  readonly number: number;
  readonly last: LastLife | null;
  /** By the digest of the engine's key. */
  readonly intents: ReadonlyMap<string, Intent>;
}

/** The orchestrators that wrote this journal, and the engines each had loaded. */
export interface LifeTable {
  open(): OpenLife[];
  /** What was loaded is handed on once: a model that kills whoever loads it is not loaded again and again. */
  begin(beginning: Beginning): Begun;
  mark(life: number, mark: string): void;
  /** A sign of life. */
  seen(life: number, nowMs: number): void;
  remember(life: number, digest: string, description: string): void;
  forget(life: number, digest: string): void;
  endCleanly(life: number, nowMs: number): void;
}

/**
 * Nobody waits any more for a model that was last used longer ago: loading it would take memory from what the machine is used
 * for by now. Ten minutes is twice the time an engine nobody asks stays loaded, so nothing that was in use is missed.
 */
export const INTENT_MS = 600_000;
/** More engines than any machine holds at a time. */
const MOST_RESIDENTS = 16;
const MOST_LIVES = 50;

const Life = z.object({
  number: z.number(),
  pid: z.number(),
  mark: z.string().nullable(),
  startedMs: z.number(),
  seenMs: z.number(),
  ended: z.enum(["cleanly", "lost"]).nullable(),
});
const Resident = z.object({ digest: z.string(), description: z.string(), seenMs: z.number() });

/** Stands for an engine's key, which may hold an API key and is therefore not stored. */
export function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

/** A clock that was set back makes an age that cannot be trusted. */
export function isFresh({ seenMs }: Pick<Intent, "seenMs">, nowMs: number): boolean {
  return seenMs <= nowMs && nowMs - seenMs <= INTENT_MS;
}

export function createLifeTable(database: DatabaseSync): LifeTable {
  const openLives = database.prepare("SELECT * FROM lives WHERE ended IS NULL ORDER BY number");
  const newest = database.prepare("SELECT * FROM lives ORDER BY number DESC LIMIT 1");
  const lose = database.prepare("UPDATE lives SET ended = 'lost' WHERE number = ? AND ended IS NULL");
  const residentsOf = database.prepare(
    "SELECT digest, description, seenMs FROM residents JOIN lives ON number = life WHERE life = ? ORDER BY residents.rowid",
  );
  const clear = database.prepare("DELETE FROM residents WHERE life = ?");
  const insert = database.prepare("INSERT INTO lives (pid, startedMs, seenMs) VALUES (?, ?, ?)");
  const trim = database.prepare("DELETE FROM lives WHERE ended IS NOT NULL AND number <= ? - ?");
  const setMark = database.prepare("UPDATE lives SET mark = ? WHERE number = ?");
  const setSeen = database.prepare("UPDATE lives SET seenMs = ? WHERE number = ?");
  const setEnded = database.prepare("UPDATE lives SET ended = 'cleanly', seenMs = ? WHERE number = ?");
  const rename = database.prepare("UPDATE residents SET description = ?3 WHERE life = ?1 AND digest = ?2");
  const add = database.prepare(
    `INSERT INTO residents (life, digest, description)
     SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM residents WHERE life = ?1) < ${MOST_RESIDENTS}`,
  );
  const remove = database.prepare("DELETE FROM residents WHERE life = ? AND digest = ?");

  /** The residents of a lost life, which then has none any more. */
  function inherit(life: number, nowMs: number): [string, Intent][] {
    const residents = Resident.array().parse(residentsOf.all(life));
    lose.run(life);
    clear.run(life);
    const fresh = residents.filter((it) => isFresh(it, nowMs));
    return fresh.map(({ digest, description, seenMs }) => [digest, { description, seenMs }]);
  }

  return {
    open: () => Life.array().parse(openLives.all()),
    begin: ({ pid, nowMs, lost }) =>
      transaction(database, () => {
        const intents = new Map(lost.flatMap((life) => inherit(life, nowMs)));
        const before = Life.optional().parse(newest.get());
        const number = Number(insert.run(pid, nowMs, nowMs).lastInsertRowid);
        trim.run(number, MOST_LIVES);
        return { number, intents, last: before ? lastLife(before) : null };
      }),
    mark: (life, mark) => void setMark.run(mark, life),
    seen: (life, nowMs) => void setSeen.run(nowMs, life),
    remember(life, digest, description) {
      if (rename.run(life, digest, description).changes === 0) add.run(life, digest, description);
    },
    forget: (life, digest) => void remove.run(life, digest),
    endCleanly: (life, nowMs) =>
      transaction(database, () => {
        clear.run(life);
        setEnded.run(nowMs, life);
      }),
  };
}

/** Null while it is still there: it has not ended in any way. */
function lastLife({ pid, startedMs, seenMs, ended }: z.output<typeof Life>): LastLife | null {
  return ended === null ? null : { pid, startedMs, seenMs, isClean: ended === "cleanly" };
}
