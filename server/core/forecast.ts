import type { GpuSample } from "../protocol/gpu.ts";

/** How much of a GPU's memory will be in use. Bytes; null: cannot be told. */
export interface Forecast {
  readonly usedBytes: number | null;
  readonly totalBytes: number | null;
  readonly projectedBytes: number | null;
  /** In nine of ten cases it lies between these, if what drove it so far goes on. */
  readonly fromBytes: number | null;
  readonly toBytes: number | null;
  readonly samples: number;
  /** From the first sample to the last. */
  readonly spanMs: number;
  /** One sentence: what the figures rest on. */
  readonly why: string;
}

/** A line through fewer samples, or a shorter time, is noise. */
const LEAST_SAMPLES = 10;
const LEAST_SPAN_MS = 300_000;
/** Of a normal distribution, nine tenths lie within so many standard deviations. */
const NINE_TENTHS = 1.645;
/** Weight of the newest sample where there is no line yet. */
const NEWEST = 0.3;

/**
 * A straight line through the samples by least squares, with the interval in which a new one may be expected. It is carried no further
 * than the samples reach back: what grew for ten minutes says nothing about tomorrow. With too few of them, their moving average.
 */
export function forecast(all: readonly GpuSample[], hours: number): Forecast {
  const points = all.flatMap(({ atMs, usedBytes }) => (usedBytes === null ? [] : [{ x: atMs, y: usedBytes }]));
  const totalBytes = all.findLast((it) => it.totalBytes !== null)?.totalBytes ?? null;
  const usedBytes = points.at(-1)?.y ?? null;
  const spanMs = (points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0);
  const known = { usedBytes, totalBytes, samples: points.length, spanMs };
  if (points.length < LEAST_SAMPLES || spanMs < LEAST_SPAN_MS) {
    const projectedBytes = points.reduce<number | null>(
      (mean, { y }) => (mean === null ? y : mean + NEWEST * (y - mean)),
      null,
    );
    const why = `too little is known for a trend: ${points.length} samples of ${minutes(spanMs)}`;
    return { ...known, projectedBytes, fromBytes: null, toBytes: null, why };
  }
  const aheadMs = Math.min(hours * 3_600_000, spanMs);
  const { at, spread, perHour } = line(points, (points.at(-1)?.x ?? 0) + aheadMs);
  const within = (bytes: number) => Math.min(totalBytes ?? Number.POSITIVE_INFINITY, Math.max(0, bytes));
  const reach = aheadMs < hours * 3_600_000 ? `; carried ${minutes(aheadMs)} ahead, as far as it was seen` : "";
  return {
    ...known,
    projectedBytes: within(at),
    fromBytes: within(at - NINE_TENTHS * spread),
    toBytes: within(at + NINE_TENTHS * spread),
    why: `${(perHour / 1024 ** 3).toFixed(2)} GiB an hour over ${points.length} samples of ${minutes(spanMs)}${reach}`,
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The line's value at `x`, and the standard error of a new value there. */
function line(points: readonly Point[], x: number) {
  const n = points.length;
  const meanX = points.reduce((sum, it) => sum + it.x, 0) / n;
  const meanY = points.reduce((sum, it) => sum + it.y, 0) / n;
  const spreadX = points.reduce((sum, it) => sum + (it.x - meanX) ** 2, 0);
  const together = points.reduce((sum, it) => sum + (it.x - meanX) * (it.y - meanY), 0);
  const slope = together / spreadX;
  const rest = points.reduce((sum, it) => sum + (it.y - meanY - slope * (it.x - meanX)) ** 2, 0);
  const spread = Math.sqrt((rest / (n - 2)) * (1 + 1 / n + (x - meanX) ** 2 / spreadX));
  return { at: meanY + slope * (x - meanX), spread, perHour: slope * 3_600_000 };
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`;
}
