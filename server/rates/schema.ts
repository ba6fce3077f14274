/** The table of rates, one step for each version of it; a step that was published is never changed. */
export const STEPS: readonly string[] = [
  `CREATE TABLE rates (
     model TEXT NOT NULL,
     quantisation TEXT NOT NULL,
     device TEXT NOT NULL,
     engine TEXT NOT NULL,
     options TEXT NOT NULL,
     prefill REAL,
     decode REAL,
     load REAL,
     at INTEGER NOT NULL,
     by TEXT NOT NULL CHECK (by IN ('work', 'benchmark')),
     PRIMARY KEY (model, quantisation, device, engine, options)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE benchmarks (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     body TEXT NOT NULL
   ) STRICT;`,
];
