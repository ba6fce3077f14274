import type { SidebarState } from "./state.ts";

/** Seconds from now, memory and utilisation in percent: lists of one length. Null: no line there. */
export type Series = readonly [number[], (number | null)[], (number | null)[]];

/** Two readings further apart than this have nothing to say about the time between them. */
const GAP_MS = 5_000;

/** Seconds before now; then memory and utilisation in percent. Null: not told, and no line there. */
export function seriesOf(uuid: string, { points, status, nowMs }: SidebarState): Series {
  const totalBytes = status?.gpus.find((it) => it.uuid === uuid)?.totalBytes ?? null;
  const rows: [number, number | null, number | null][] = [];
  let lastMs: number | null = null;
  for (const { atMs, usedBytes, busyPercent } of points[uuid] ?? []) {
    if (lastMs !== null && atMs - lastMs > GAP_MS) rows.push([((lastMs + atMs) / 2 - nowMs) / 1_000, null, null]);
    const filled = totalBytes && usedBytes !== null ? (100 * usedBytes) / totalBytes : null;
    rows.push([(atMs - nowMs) / 1_000, filled, busyPercent]);
    lastMs = atMs;
  }
  return [rows.map((it) => it[0]), rows.map((it) => it[1]), rows.map((it) => it[2])];
}
