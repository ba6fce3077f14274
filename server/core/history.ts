import type { GpuSample } from "../protocol/gpu.ts";
import type { GpuReading } from "./telemetry.ts";

/** Some readings of one GPU as one: means, the highest temperature, and from when on. */
export interface HistoryPoint extends GpuSample {
  /** Readings it is made of. */
  readonly count: number;
}

/** What is kept on disk: every ten seconds for a day, every minute for a month. */
export const KEPT = [
  { stepMs: 10_000, ageMs: 86_400_000 },
  { stepMs: 60_000, ageMs: 30 * 86_400_000 },
] as const;

/** More points than this no picture shows. */
export const MOST_POINTS = 500;
/** So far back every reading is in memory. */
const AS_READ_SECONDS = 100;

/** In what steps the last `seconds` are told, and from which of the steps on disk; null: from memory. */
export function stepsFor(seconds: number): { readonly stepMs: number; readonly keptMs: number | null } {
  if (seconds <= AS_READ_SECONDS) return { stepMs: 1_000, keptMs: null };
  const keptMs = (KEPT.find((it) => seconds * 1_000 <= it.ageMs) ?? KEPT[1]).stepMs;
  // One more than fits, since the first and the last step are seldom whole.
  const steps = Math.ceil((seconds * 1_000) / keptMs / (MOST_POINTS - 1));
  return { stepMs: keptMs * steps, keptMs };
}

export function pointOf(reading: GpuReading, atMs: number): HistoryPoint {
  const { usedBytes, totalBytes, busyPercent, celsius, powerWatts } = reading;
  return { atMs, count: 1, usedBytes, totalBytes, busyPercent, celsius, powerWatts };
}

/** Two as one; neither lasts longer than what they are merged into. */
export function merged(one: HistoryPoint, other: HistoryPoint): HistoryPoint {
  const [first, last] = one.atMs <= other.atMs ? [one, other] : [other, one];
  const mean = (of: (point: HistoryPoint) => number | null) =>
    weighted([of(first), first.count], [of(last), last.count]);
  return {
    atMs: first.atMs,
    count: first.count + last.count,
    usedBytes: mean((it) => it.usedBytes),
    totalBytes: last.totalBytes ?? first.totalBytes,
    busyPercent: mean((it) => it.busyPercent),
    celsius: highest(first.celsius, last.celsius),
    powerWatts: mean((it) => it.powerWatts),
  };
}

/** The points with those of each step as one, the oldest first; each begins with its step. */
export function inSteps(points: readonly HistoryPoint[], stepMs: number): HistoryPoint[] {
  const steps = new Map<number, HistoryPoint>();
  for (const point of points) {
    const startMs = stepOf(point.atMs, stepMs);
    const before = steps.get(startMs);
    steps.set(startMs, { ...(before ? merged(before, point) : point), atMs: startMs });
  }
  return [...steps.values()].toSorted((a, b) => a.atMs - b.atMs);
}

/** When the step began that this moment lies in. */
export function stepOf(atMs: number, stepMs: number): number {
  return Math.floor(atMs / stepMs) * stepMs;
}

/** Both, and of a step that is in both the one of more readings: what is in memory and what was written overlap. */
export function joined(
  one: readonly HistoryPoint[],
  other: readonly HistoryPoint[],
  stepMs: number,
): readonly HistoryPoint[] {
  const steps = new Map(inSteps(one, stepMs).map((it) => [it.atMs, it]));
  for (const it of inSteps(other, stepMs)) if ((steps.get(it.atMs)?.count ?? 0) < it.count) steps.set(it.atMs, it);
  return [...steps.values()].toSorted((a, b) => a.atMs - b.atMs);
}

function weighted([one, ones]: readonly [number | null, number], [other, others]: readonly [number | null, number]) {
  if (one === null || other === null) return one ?? other;
  return (one * ones + other * others) / (ones + others);
}

function highest(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
