/**
 * The tables of GPU history, one step for each version of them; a step that was published is never changed. Times are in seconds and
 * memory in MiB: as SQLite packs small numbers, a row takes some thirty bytes.
 */
export const STEPS: readonly string[] = [
  `CREATE TABLE gpus (
     number INTEGER PRIMARY KEY,
     uuid TEXT NOT NULL UNIQUE,
     name TEXT NOT NULL
   ) STRICT;
   CREATE TABLE points (
     gpu INTEGER NOT NULL REFERENCES gpus (number),
     step INTEGER NOT NULL,
     at INTEGER NOT NULL,
     count INTEGER NOT NULL,
     used INTEGER,
     total INTEGER,
     busy INTEGER,
     celsius INTEGER,
     watts INTEGER,
     PRIMARY KEY (gpu, step, at)
   ) STRICT, WITHOUT ROWID;`,
];
