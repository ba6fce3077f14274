import { openDatabase, type Sqlite } from "./database.ts";
import { createDecisionTable, type DecisionTable } from "./decisionTable.ts";
import { createLifeTable, type LifeTable } from "./lifeTable.ts";
import { STEPS } from "./schema.ts";
import { transaction } from "./transaction.ts";

export interface Tables {
  readonly lives: LifeTable;
  readonly decisions: DecisionTable;
  /** All of the work is written, or nothing. */
  together(work: () => void): void;
}

/** The journal's file, open. */
export interface JournalFile extends Tables, Disposable {}

/** Begins one where there is none. Throws what `failureKind` knows. */
export function openFile(sqlite: Sqlite, path: string, mostBytes: number): JournalFile {
  const database = openDatabase(sqlite, { path, mostBytes, steps: STEPS });
  try {
    const tables = { lives: createLifeTable(database), decisions: createDecisionTable(database) };
    const together = (work: () => void) => transaction(database, work);
    return { ...tables, together, [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}
