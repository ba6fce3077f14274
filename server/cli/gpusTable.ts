import { FULL_SHARE } from "../core/fullness.ts";
import { type Owner, ownersOf } from "../core/owners.ts";
import type { GpuSourceStatus, GpuStatus } from "../protocol/gpu.ts";
import type { Status } from "../protocol/status.ts";
import { align } from "./table.ts";

const HEAD = ["gpu", "name", "state", "memory", "pressure", "busy", "heat", "power", "clocks", "slowed by"];

const INDENT = "     ";

/**
 * The GPUs for people: a line each, whose their memory is below it, and what is wrong at the end. What has no place in `columns` stands
 * below the line.
 */
export function gpuLines(
  { gpus, gpuSources, engines }: Pick<Status, "gpus" | "gpuSources" | "engines">,
  columns = Number.POSITIVE_INFINITY,
): string[] {
  if (gpus.length === 0) return ["No GPU can be read.", ...gpuSources.map(sourceLine)];
  const lines = folded([HEAD, ...gpus.map(cells)], columns).flatMap((row, nth) => {
    const gpu = gpus[nth - 1];
    return gpu ? [...row, ...align(ownersOf(gpu, engines).map(ownerCells)).map((it) => INDENT + it)] : row;
  });
  return [...lines, ...gpus.flatMap(warnings), ...gpuSources.filter((it) => it.health === "broken").map(sourceLine)];
}

/** As many lines as a terminal shows, one less for its cursor; what is left out is counted. */
export function shownIn(lines: readonly string[], { columns, rows }: { columns: number; rows: number }): string[] {
  const heightOf = (these: readonly string[]) =>
    these.reduce((sum, it) => sum + Math.max(1, Math.ceil(it.length / columns)), 0);
  if (heightOf(lines) < rows) return [...lines];
  let end = lines.length;
  while (end > 0 && heightOf(lines.slice(0, end)) > rows - 2) end--;
  return [...lines.slice(0, end), `… ${lines.length - end} more lines; a higher window shows them`];
}

/** A table whose last columns, where it is too wide, are told by name below each line. */
function folded(rows: readonly (readonly string[])[], columns: number): string[][] {
  const [head = []] = rows;
  const isFitting = (count: number) => align(rows.map((it) => it.slice(0, count))).every((it) => it.length <= columns);
  let count = head.length;
  while (count > 2 && !isFitting(count)) count--;
  const lines = align(rows.map((it) => it.slice(0, count)));
  return lines.map((line, nth) => {
    const others = nth === 0 ? [] : head.slice(count).map((it, at) => `${it} ${rows[nth]?.[count + at] ?? ""}`);
    return [line, ...wrapped(others, columns)];
  });
}

function wrapped(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const it of items) {
    const longer = lines.length === 0 ? INDENT + it : `${lines.at(-1)}, ${it}`;
    if (lines.length > 0 && longer.length > columns) lines.push(INDENT + it);
    else lines.splice(-1, 1, longer);
  }
  return lines;
}

function cells(gpu: GpuStatus): string[] {
  const { index, name, usedBytes, totalBytes, pressure, busyPercent, celsius, thermal, brakes } = gpu;
  const share = usedBytes === null || totalBytes === null ? "" : ` ${Math.round((usedBytes / totalBytes) * 100)} %`;
  return [
    String(index),
    gpu.isPartitioned ? `${name} (MIG)` : name,
    stateOf(gpu),
    `${gigabytes(usedBytes)} of ${gigabytes(totalBytes)}${share}`,
    pressure ?? "-",
    busyPercent === null ? "-" : `${Math.round(busyPercent)} %`,
    celsius === null
      ? "-"
      : `${Math.round(celsius)} °C${thermal && thermal.level !== "normal" ? ` ${thermal.level}` : ""}`,
    power(gpu),
    clocks(gpu),
    brakes === null ? "-" : brakes.filter((it) => it !== "idle").join(", ") || "nothing",
  ];
}

function stateOf({ health, ageMs }: GpuStatus): string {
  return health === "stale" ? `stale, ${Math.round(ageMs / 1_000)} s old` : health;
}

function power({ powerWatts, powerLimitWatts }: GpuStatus): string {
  if (powerWatts === null) return "-";
  return `${Math.round(powerWatts)}${powerLimitWatts === null ? "" : ` of ${Math.round(powerLimitWatts)}`} W`;
}

function clocks({ coreMegahertz, memoryMegahertz }: GpuStatus): string {
  if (coreMegahertz === null && memoryMegahertz === null) return "-";
  return `${coreMegahertz ?? "?"}/${memoryMegahertz ?? "?"} MHz`;
}

function ownerCells({ kind, label, bytes }: Owner): string[] {
  const words = {
    model: `model    ${label}`,
    program: `program  ${label}`,
    untold: "the rest: desktop, driver, or hidden",
  };
  return [words[kind], bytes === null ? "not told" : gigabytes(bytes)];
}

function warnings({ index, name, trouble, usedBytes, totalBytes }: GpuStatus): string[] {
  const which = `GPU ${index}, ${name}`;
  const lines = trouble ? [`error: ${which}: ${trouble.reason}`, `  next step: ${trouble.nextStep}`] : [];
  if (usedBytes === null || totalBytes === null || usedBytes <= totalBytes * FULL_SHARE) return lines;
  const free = Math.round((1 - usedBytes / totalBytes) * 100);
  const next = "  next step: Close a program that uses it, or choose a smaller model";
  return [...lines, `warning: ${which} has only ${free} % of its memory free`, next];
}

function sourceLine({ name, health, reason }: GpuSourceStatus): string {
  return `${name}: ${health}${reason === null ? "" : `, ${reason}`}`;
}

/** Binary units, as memory is sold. */
function gigabytes(bytes: number | null): string {
  return bytes === null ? "?" : `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
