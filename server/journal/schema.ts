/**
 * The journal's tables, one step for each version of them: a journal of version 1 is brought to 2 by the second step. A step
 * that was published is never changed.
 */
export const STEPS: readonly string[] = [
  `CREATE TABLE lives (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     pid INTEGER NOT NULL,
     mark TEXT,
     startedMs INTEGER NOT NULL,
     seenMs INTEGER NOT NULL,
     ended TEXT CHECK (ended IN ('cleanly', 'lost'))
   ) STRICT;
   CREATE TABLE residents (
     life INTEGER NOT NULL REFERENCES lives (number),
     digest TEXT NOT NULL,
     description TEXT NOT NULL,
     PRIMARY KEY (life, digest)
   ) STRICT;
   CREATE TABLE decisions (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     life INTEGER NOT NULL,
     body TEXT NOT NULL,
     outcome TEXT
   ) STRICT;`,
  `ALTER TABLE decisions ADD COLUMN input TEXT;`,
];
