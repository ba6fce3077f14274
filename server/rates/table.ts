import { z } from "zod";
import type { RateKey, Rates } from "../core/rates.ts";
import { openDatabase, type Sqlite } from "../journal/database.ts";
import { transaction } from "../journal/transaction.ts";
import { Benchmark } from "../protocol/benchmark.ts";
import { STEPS } from "./schema.ts";

export type Rated = readonly [RateKey, Rates];

/** Rates and benchmarks on disk. */
export interface RateTable {
  all(): Rated[];
  /** The oldest make room. */
  write(rated: readonly Rated[]): void;
  keep(benchmark: Benchmark): void;
  /** The newest first. */
  benchmarks(): Benchmark[];
}

/** More than anybody has models times cards; some hundred bytes each. */
const MOST_RATES = 500;
/** Some kilobytes each. */
const MOST_BENCHMARKS = 200;

const Row = z
  .object({
    model: z.string(),
    quantisation: z.string(),
    device: z.string(),
    engine: z.enum(["embedded", "llama-server", "vllm", "endpoint"]),
    options: z.string(),
    prefill: z.number().nullable(),
    decode: z.number().nullable(),
    load: z.number().nullable(),
    at: z.number(),
    by: z.enum(["work", "benchmark"]),
  })
  .transform(({ prefill, decode, load, at, by, ...key }): Rated => {
    return [key, { prefillPerSecond: prefill, decodePerSecond: decode, loadMs: load, atMs: at, by }];
  });

/** Begins a file where there is none. Throws what `failureKind` knows. */
export function openRates(sqlite: Sqlite, path: string, mostBytes: number): RateTable & Disposable {
  const database = openDatabase(sqlite, { path, mostBytes, steps: STEPS });
  const put = () =>
    database.prepare(
      "INSERT OR REPLACE INTO rates VALUES (:model, :quantisation, :device, :engine, :options, :prefill, :decode, :load, :at, :by)",
    );
  return {
    all: () => Row.array().parse(database.prepare("SELECT * FROM rates").all()),
    write(rated) {
      transaction(database, () => {
        const statement = put();
        for (const [key, { prefillPerSecond, decodePerSecond, loadMs, atMs, by }] of rated)
          statement.run({
            ...key,
            ...{ prefill: prefillPerSecond, decode: decodePerSecond, load: loadMs, at: Math.round(atMs), by },
          });
        database.exec(
          `DELETE FROM rates WHERE at < (SELECT at FROM rates ORDER BY at DESC LIMIT 1 OFFSET ${MOST_RATES - 1})`,
        );
      });
    },
    keep(benchmark) {
      database.prepare("INSERT INTO benchmarks (body) VALUES (?)").run(JSON.stringify(benchmark));
      database.exec(`DELETE FROM benchmarks WHERE number <= (SELECT max(number) FROM benchmarks) - ${MOST_BENCHMARKS}`);
    },
    benchmarks() {
      const rows = database.prepare("SELECT body FROM benchmarks ORDER BY number DESC").all();
      return rows.flatMap(({ body }) => {
        const read = Benchmark.safeParse(JSON.parse(String(body)));
        return read.success ? [read.data] : [];
      });
    },
    [Symbol.dispose]: () => database.close(),
  };
}
