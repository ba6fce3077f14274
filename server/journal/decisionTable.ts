import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { Decision } from "../protocol/decision.ts";
import { JournalEntry, type Outcome } from "../protocol/decisions.ts";
import { scrubbed } from "./scrub.ts";

/** What was decided, and how it ended, newest first. */
export interface DecisionTable {
  insert(life: number, decision: Decision): void;
  end(id: string, outcome: Outcome): void;
  page(page: { readonly limit: number; readonly before?: string | undefined }): JournalEntry[];
}

/** Some weeks of a busy programmer's work. */
export const MOST_DECISIONS = 5_000;
/** Deleting one for each that comes would double the writing. */
const TRIM_EVERY = 256;
/** A decision is a few hundred characters; one with many candidates some thousand. */
const MOST_CHARS = 16_000;

const Row = z.object({ body: z.string(), outcome: z.string().nullable(), isLost: z.number() });

export function createDecisionTable(database: DatabaseSync): DecisionTable {
  const insert = database.prepare("INSERT OR IGNORE INTO decisions (id, life, body) VALUES (?, ?, ?)");
  const setOutcome = database.prepare("UPDATE decisions SET outcome = ? WHERE id = ?");
  const trim = database.prepare(
    `DELETE FROM decisions WHERE number < (SELECT number FROM decisions ORDER BY number DESC LIMIT 1 OFFSET ${MOST_DECISIONS - 1})`,
  );
  const rows = database.prepare(
    `SELECT body, outcome, (decisions.outcome IS NULL AND (lives.number IS NULL OR lives.ended IS NOT NULL)) AS isLost
     FROM decisions LEFT JOIN lives ON lives.number = decisions.life
     WHERE ?1 IS NULL OR decisions.number < (SELECT number FROM decisions WHERE id = ?1)
     ORDER BY decisions.number DESC LIMIT ?2`,
  );
  let untilTrim = 0;

  return {
    insert(life, decision) {
      const body = JSON.stringify(scrubbed(Decision.parse(decision)));
      if (body.length > MOST_CHARS) return;
      insert.run(decision.id, life, body);
      if (--untilTrim > 0) return;
      untilTrim = TRIM_EVERY;
      trim.run();
    },
    end: (id, outcome) => void setOutcome.run(JSON.stringify(outcome), id),
    page: ({ limit, before = null }) => Row.array().parse(rows.all(before, limit)).flatMap(entryOf),
  };
}

/** Entries of another version that this one cannot read are passed over. */
function entryOf({ body, outcome, isLost }: z.output<typeof Row>): JournalEntry[] {
  const ended: unknown = outcome === null ? null : JSON.parse(outcome);
  const entry = JournalEntry.safeParse({ ...JSON.parse(body), outcome: isLost ? { kind: "lost" } : ended });
  return entry.success ? [entry.data] : [];
}
