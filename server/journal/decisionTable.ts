import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { Decision, MOST_FALLBACKS } from "../protocol/decision.ts";
import { type DecisionPage, JournalEntry, type Outcome } from "../protocol/decisions.ts";
import { RouteRecord } from "../protocol/routing.ts";
import type { Seam } from "../protocol/traffic.ts";
import { scrubbed } from "./scrub.ts";

/** What was decided, what from, and how it ended, newest first. */
export interface DecisionTable {
  insert(life: number, decision: Decision, input: RouteRecord | null): void;
  fallBack(id: string, seam: Seam): void;
  end(id: string, outcome: Outcome): void;
  page(page: DecisionPage): JournalEntry[];
}

/** Some weeks of a busy programmer's work. */
export const MOST_DECISIONS = 5_000;
/** What decisions were made from is many times as long as they are: some days of work are enough to see what another policy would do. */
export const MOST_INPUTS = 2_000;
/** Deleting one for each that comes would double the writing. */
const TRIM_EVERY = 256;
/** A decision is a few hundred characters; one with many candidates some thousand. So is an input, with some 600 for an engine. */
const MOST_CHARS = 16_000;

const Row = z.object({
  body: z.string(),
  outcome: z.string().nullable(),
  input: z.string().nullable(),
  isLost: z.number(),
});
const Body = z.object({ body: z.string() });

export function createDecisionTable(database: DatabaseSync): DecisionTable {
  const insert = database.prepare("INSERT OR IGNORE INTO decisions (id, life, body, input) VALUES (?, ?, ?, ?)");
  const setOutcome = database.prepare("UPDATE decisions SET outcome = ? WHERE id = ?");
  const bodyOf = database.prepare("SELECT body FROM decisions WHERE id = ?");
  const setBody = database.prepare("UPDATE decisions SET body = ? WHERE id = ?");
  const drop = database.prepare("DELETE FROM decisions WHERE number <= ?");
  const dropInputs = database.prepare(
    "UPDATE decisions SET input = NULL WHERE input IS NOT NULL AND number > ? AND number <= ?",
  );
  const rows = database.prepare(
    `SELECT body, outcome, CASE WHEN ?4 THEN input END AS input,
       (decisions.outcome IS NULL AND (lives.number IS NULL OR lives.ended IS NOT NULL)) AS isLost
     FROM decisions LEFT JOIN lives ON lives.number = decisions.life
     WHERE (?1 IS NULL OR decisions.number < (SELECT number FROM decisions WHERE id = ?1)) AND (?3 IS NULL OR id = ?3)
     ORDER BY decisions.number DESC LIMIT ?2`,
  );
  let untilTrim = 0;
  let droppedTo = 0;

  /** Numbers follow each other, so the oldest need not be looked for: to count them would read the whole file each time. */
  function trim(newest: number): void {
    if (--untilTrim > 0) return;
    untilTrim = TRIM_EVERY;
    drop.run(newest - MOST_DECISIONS);
    dropInputs.run(droppedTo, newest - MOST_INPUTS);
    droppedTo = newest - MOST_INPUTS;
  }

  return {
    insert(life, decision, input) {
      const body = JSON.stringify(scrubbed({ ...Decision.parse(decision), taken: "" }));
      if (body.length > MOST_CHARS) return;
      const { lastInsertRowid } = insert.run(decision.id, life, body, input && storable(input));
      trim(Number(lastInsertRowid));
    },
    fallBack(id, seam) {
      const row = Body.optional().parse(bodyOf.get(id));
      const decision = row && Decision.parse(JSON.parse(row.body));
      if (!decision || decision.fallbacks.length >= MOST_FALLBACKS) return;
      const body = JSON.stringify(scrubbed({ ...decision, fallbacks: [...decision.fallbacks, seam] }));
      if (body.length <= MOST_CHARS) setBody.run(body, id);
    },
    end: (id, outcome) => void setOutcome.run(JSON.stringify(outcome), id),
    page: ({ limit, before = null, id = null, withInput = false }) =>
      Row.array()
        .parse(rows.all(before, limit, id, Number(withInput || id !== null)))
        .flatMap(entryOf),
  };
}

/** Null: longer than is kept. */
function storable(input: RouteRecord): string | null {
  const text = JSON.stringify(scrubbed(RouteRecord.parse(input)));
  return text.length > MOST_CHARS ? null : text;
}

/** Entries of another version that this one cannot read are passed over; inputs of another version are left out. */
function entryOf({ body, outcome, input, isLost }: z.output<typeof Row>): JournalEntry[] {
  const ended: unknown = outcome === null ? null : JSON.parse(outcome);
  const record = input === null ? null : RouteRecord.safeParse(JSON.parse(input));
  const made = record?.success ? { input: record.data } : {};
  const entry = JournalEntry.safeParse({ ...JSON.parse(body), ...made, outcome: isLost ? { kind: "lost" } : ended });
  return entry.success ? [entry.data] : [];
}
