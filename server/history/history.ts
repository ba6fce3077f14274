import { join } from "node:path";
import { type HistoryPoint, joined, KEPT, merged, pointOf, stepOf, stepsFor } from "../core/history.ts";
import type { GpuReading } from "../core/telemetry.ts";
import { createStore, type Store } from "../journal/store.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import type { Log } from "../ports.ts";
import type { ResultOf } from "../protocol/define.ts";
import type { gpuHistory } from "../protocol/gpu.ts";
import { type NamedGpu, openPoints, type PointTable } from "./table.ts";

/** What was read of the GPUs, beyond what is in memory. Where the disk refuses, only what is in memory is told. */
export interface GpuHistory extends AsyncDisposable {
  /** Hears of one reading of now. The file is opened by the first, or by who wants to know. */
  take(reading: GpuReading): void;
  /** The last `seconds` of every GPU. */
  read(seconds: number): Promise<ResultOf<typeof gpuHistory>>;
}

export interface HistoryDeps {
  /** Made where it is missing; nobody else may look into it. */
  readonly folder: string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** The readings in memory, with how long ago each was. */
  readonly recent: () => readonly (NamedGpu & { readonly samples: readonly Aged[] })[];
  readonly mostBytes?: number;
}

export interface Aged {
  readonly ageMs: number;
  readonly reading: GpuReading;
}

/** A day and a month of eight cards; with SQLite's log beside it 16 MB. */
const MOST_BYTES = 12_000_000;
/** About every quarter of an hour for one card. */
const TRIM_EVERY = 100;
/** More cards than any machine has. */
const MOST_GPUS = 64;

const NO_STORE: Store<PointTable> = { attempt: (otherwise) => otherwise, [Symbol.dispose]: () => undefined };

export function createGpuHistory({ folder, log, wallMs, recent, mostBytes = MOST_BYTES }: HistoryDeps): GpuHistory {
  let opening: Promise<void> | null = null;
  let store = NO_STORE;
  let untilTrim = 0;
  let isOver = false;
  const steps = createSteps((gpu, stepMs, point) =>
    store.attempt(undefined, (table) => {
      if (--untilTrim <= 0) {
        untilTrim = TRIM_EVERY;
        table.trim(wallMs());
      }
      table.insert(gpu, stepMs, point);
    }),
  );

  const begin = () => {
    opening ??= openStore({ folder, log, mostBytes }).then((opened) => {
      store = opened;
    });
    return opening;
  };

  return {
    take(reading) {
      if (isOver) return;
      void begin(); // it never rejects
      steps.take(reading, wallMs());
    },
    async read(seconds) {
      if (!isOver) await begin();
      const nowMs = wallMs();
      const { stepMs, keptMs } = stepsFor(seconds);
      const fromMs = nowMs - seconds * 1_000;
      const inMemory = recent().map((it) => ({ ...it, points: pointsOf(it.samples, nowMs, fromMs) }));
      if (keptMs === null) return { gpus: inMemory.map((it) => told(it, stepMs, it.points)) };
      const onDisk = store.attempt([], (table) => table.gpus());
      const known = new Map([...onDisk, ...inMemory].map((it) => [it.uuid, it.name]));
      const gpus = [...known].map(([uuid, name]) => {
        const stored = store.attempt([], (table) => table.read(uuid, { keptMs, stepMs, fromMs }));
        const points = inMemory.find((it) => it.uuid === uuid)?.points ?? [];
        return told({ uuid, name }, stepMs, joined(stored, points, stepMs));
      });
      return { gpus: gpus.filter((it) => it.samples.length > 0) };
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await opening;
      steps.close();
      store[Symbol.dispose]();
    },
  };
}

type Write = (gpu: NamedGpu, stepMs: number, point: HistoryPoint) => void;

/** Collects readings, and writes those of a step as one point once it is over. */
function createSteps(write: Write) {
  const cards = new Map<string, { readonly gpu: NamedGpu; readonly points: Map<number, HistoryPoint> }>();
  const end = (gpu: NamedGpu, stepMs: number, point: HistoryPoint) =>
    write(gpu, stepMs, { ...point, atMs: stepOf(point.atMs, stepMs) });
  return {
    take(reading: GpuReading, atMs: number) {
      const { uuid, name } = reading;
      const card = cards.get(uuid) ?? { gpu: { uuid, name }, points: new Map<number, HistoryPoint>() };
      if (!cards.has(uuid) && cards.size >= MOST_GPUS) return;
      cards.set(uuid, card);
      const point = pointOf(reading, atMs);
      for (const { stepMs } of KEPT) {
        const before = card.points.get(stepMs);
        const isSame = before !== undefined && stepOf(before.atMs, stepMs) === stepOf(atMs, stepMs);
        if (before && !isSame) end(card.gpu, stepMs, before);
        card.points.set(stepMs, before && isSame ? merged(before, point) : point);
      }
    },
    /** Steps that are not over are written as far as they are. */
    close() {
      for (const { gpu, points } of cards.values()) for (const [stepMs, point] of points) end(gpu, stepMs, point);
    },
  };
}

function pointsOf(samples: readonly Aged[], nowMs: number, fromMs: number): HistoryPoint[] {
  return samples
    .filter(({ reading }) => reading.fault === null)
    .map(({ reading, ageMs }) => pointOf(reading, Math.round(nowMs - ageMs)))
    .filter((it) => it.atMs >= fromMs);
}

function told({ uuid, name }: NamedGpu, stepMs: number, points: readonly HistoryPoint[]) {
  return { uuid, name, stepMs, samples: points.map(({ count: _, ...sample }) => sample) };
}

/** A Node without SQLite, or a folder that cannot be had, is as good as a disk that is full. */
async function openStore(
  deps: Required<Pick<HistoryDeps, "folder" | "log" | "mostBytes">>,
): Promise<Store<PointTable>> {
  const { folder, log, mostBytes } = deps;
  try {
    const [sqlite] = await Promise.all([import("node:sqlite"), ensurePrivateFolder(folder)]);
    const open = (path: string) => openPoints(sqlite, path, mostBytes);
    const onAnew = () => undefined;
    return createStore({ what: "the history of the GPUs", path: join(folder, "gpus.db"), open, log, onAnew });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log.warn("there is no history of the GPUs", { folder, why });
    return NO_STORE;
  }
}
