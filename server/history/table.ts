import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { type HistoryPoint, KEPT } from "../core/history.ts";
import { openDatabase, type Sqlite } from "../journal/database.ts";
import { STEPS } from "./schema.ts";

/** The points of all GPUs on disk. */
export interface PointTable {
  /** Of a step that is there already, the one of more readings stays: a restart cuts steps in two. */
  insert(gpu: NamedGpu, stepMs: number, point: HistoryPoint): void;
  gpus(): NamedGpu[];
  /** Those kept in steps of `keptMs` since `fromMs`, merged into steps of `stepMs`. */
  read(
    uuid: string,
    asked: { readonly keptMs: number; readonly stepMs: number; readonly fromMs: number },
  ): HistoryPoint[];
  /** Takes out what is too old, and the oldest fifth of everything while the file is nearly full. */
  trim(nowMs: number): void;
}

export interface NamedGpu {
  readonly uuid: string;
  readonly name: string;
}

const MEBIBYTE = 1024 ** 2;
/** Of what the file may have: beyond it, old points make room for new ones. */
const FULL_SHARE = 0.9;

const Gpu = z.object({ uuid: z.string(), name: z.string() });
const Row = z.object({
  at: z.number(),
  count: z.number(),
  used: z.number().nullable(),
  total: z.number().nullable(),
  busy: z.number().nullable(),
  celsius: z.number().nullable(),
  watts: z.number().nullable(),
});

/** Begins a file where there is none. Throws what `failureKind` knows. */
export function openPoints(sqlite: Sqlite, path: string, mostBytes: number): PointTable & Disposable {
  const database = openDatabase(sqlite, { path, mostBytes, steps: STEPS });
  try {
    return { ...createPointTable(database), [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

function createPointTable(database: DatabaseSync): PointTable {
  const know = database.prepare(
    "INSERT INTO gpus (uuid, name) VALUES (?, ?) ON CONFLICT DO UPDATE SET name = excluded.name WHERE name <> excluded.name",
  );
  const insert = database.prepare(
    `INSERT INTO points SELECT number, ?, ?, ?, ?, ?, ?, ?, ? FROM gpus WHERE uuid = ?
     ON CONFLICT DO UPDATE SET count = excluded.count, used = excluded.used, total = excluded.total, busy = excluded.busy,
       celsius = excluded.celsius, watts = excluded.watts WHERE excluded.count > count`,
  );
  const gpus = database.prepare("SELECT uuid, name FROM gpus ORDER BY number");
  const read = database.prepare(
    `SELECT at / ?1 * ?1 AS at, sum(count) AS count, avg(used) AS used, max(total) AS total, avg(busy) AS busy,
       max(celsius) AS celsius, avg(watts) AS watts
     FROM points WHERE gpu = (SELECT number FROM gpus WHERE uuid = ?2) AND step = ?3 AND at >= ?4 GROUP BY 1 ORDER BY 1`,
  );
  return {
    insert({ uuid, name }, stepMs, point) {
      const { usedBytes, totalBytes, busyPercent, celsius, powerWatts } = point;
      know.run(uuid, name);
      const figures = [mebibytes(usedBytes), mebibytes(totalBytes), busyPercent, celsius, powerWatts].map(whole);
      insert.run(seconds(stepMs), seconds(point.atMs), point.count, ...figures, uuid);
    },
    gpus: () => Gpu.array().parse(gpus.all()),
    read: (uuid, { keptMs, stepMs, fromMs }) =>
      Row.array()
        .parse(read.all(seconds(stepMs), uuid, seconds(keptMs), seconds(fromMs)))
        .map(toPoint),
    trim: createTrim(database),
  };
}

function createTrim(database: DatabaseSync): PointTable["trim"] {
  const EACH = "gpu IN (SELECT number FROM gpus)";
  const drop = database.prepare(`DELETE FROM points WHERE ${EACH} AND step = ? AND at < ?`);
  const span = database.prepare(`SELECT min(at) AS oldest, max(at) AS newest FROM points WHERE ${EACH} AND step = ?`);
  const forget = database.prepare("DELETE FROM gpus WHERE NOT EXISTS (SELECT 1 FROM points WHERE gpu = number)");
  const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const Span = z.object({ oldest: z.number().nullable(), newest: z.number().nullable() });
  return (nowMs) => {
    for (const { stepMs, ageMs } of KEPT) drop.run(seconds(stepMs), seconds(nowMs - ageMs));
    if (pragma("page_count") - pragma("freelist_count") > pragma("max_page_count") * FULL_SHARE)
      for (const { stepMs } of KEPT) {
        const { oldest, newest } = Span.parse(span.get(seconds(stepMs)));
        if (oldest !== null && newest !== null) drop.run(seconds(stepMs), Math.ceil(oldest + (newest - oldest) / 5));
      }
    forget.run();
  };
}

function toPoint({ at, count, used, total, busy, celsius, watts }: z.output<typeof Row>): HistoryPoint {
  const bytes = (value: number | null) => (value === null ? null : Math.round(value * MEBIBYTE));
  const memory = { usedBytes: bytes(used), totalBytes: bytes(total) };
  return { atMs: at * 1_000, count, ...memory, busyPercent: busy, celsius, powerWatts: watts };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000);
}

function mebibytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / MEBIBYTE;
}

function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
