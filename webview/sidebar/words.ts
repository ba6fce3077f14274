import type { DownloadProgress } from "../../server/protocol/models.ts";

/** Binary units, as memory is sold: "5.2 GB", "640 MB". */
export function memory(bytes: number): string {
  const gigabytes = bytes / 1024 ** 3;
  if (gigabytes < 0.95) return `${Math.round(bytes / 1024 ** 2)} MB`;
  return `${gigabytes >= 9.95 ? gigabytes.toFixed(0) : gigabytes.toFixed(1)} GB`;
}

export function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** "4.2 s", "310 ms" */
export function took(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** "now", "40 s ago", "2 h 5 min ago" */
export function ago(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  return ms < 1_500 ? "now" : `${duration(ms)} ago`;
}

/** "34 % of 1.1 GB, 12 MB/s, 40 s left": decimal units, as networks are sold. */
export function download({ doneBytes, totalBytes, bytesPerSecond, etaMs }: DownloadProgress): string {
  const done = totalBytes ? `${percent(doneBytes, totalBytes)} of ${size(totalBytes)}` : `${size(doneBytes)} so far`;
  const rate = bytesPerSecond === null ? [] : [`${size(bytesPerSecond)}/s`];
  const left = etaMs === null ? [] : [`${duration(etaMs)} left`];
  return [done, ...rate, ...left].join(", ");
}

/** "1 request", "2 requests" */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${Math.round(bytes / 1e6)} MB` : `${Math.round(bytes / 1e3)} kB`;
}
