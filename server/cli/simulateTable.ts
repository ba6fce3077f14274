import type { Comparison, Judged } from "../core/simulate/compare.ts";
import type { Row } from "../core/simulate/run.ts";
import { align, alignFolded, folded } from "./table.ts";

/** A wait shorter than this is not worth a line. */
const WORTH_MS = 1_000;

/** For people, in so many columns: what happened, line by line, and what came of it beside what others would have made of it. */
export function tableOf(comparison: Comparison, columns: number): string {
  const { about, governor, plain, asked } = comparison;
  const all = [governor, plain, asked];
  const row = (name: string, value: (it: Judged) => number | string) => [name, ...all.map((it) => String(value(it)))];
  const rows = [
    ["", "Tandem", "in order, used longest ago leaves", "loaded when asked for"],
    row("loads", ({ outcome }) => outcome.loads),
    row("unloads", ({ outcome }) => outcome.unloads),
    row("unloaded while in use", ({ outcome }) => outcome.busyUnloads),
    row("loads that ran out of memory", ({ outcome }) => outcome.outOfMemory),
    row("times that a device was overfull", ({ outcome }) => outcome.overfull),
    row("requests served", ({ outcome }) => outcome.served),
    row("refused", ({ outcome }) => outcome.refused),
    row("never served", ({ outcome }) => outcome.unserved),
    row("wait, mean", ({ waits }) => seconds(waits.meanMs)),
    row("wait, 95 of 100", ({ waits }) => seconds(waits.p95Ms)),
    row("wait, longest", ({ waits }) => seconds(waits.longestMs)),
  ];
  const lines = [
    ...(about === "" ? [] : [...folded(about, columns), ""]),
    ...timelineOf(governor.outcome.timeline, columns),
    "",
    ...align(rows),
    "",
    ...verdictOf(comparison).flatMap((it) => folded(it, columns)),
  ];
  return `${lines.join("\n")}\n`;
}

function timelineOf(timeline: readonly Row[], columns: number): readonly string[] {
  const waiting = new Map<string, number>();
  const rows: string[][] = [];
  for (const it of timeline) {
    if (!isTold(it, waiting)) continue;
    const who = ABOUT_REQUESTS.has(it.kind) ? `${it.name} ` : "";
    rows.push([seconds(it.atMs), it.kind, `${who}${it.text}`]);
  }
  return alignFolded(rows, columns);
}

const ABOUT_REQUESTS: ReadonlySet<Row["kind"]> = new Set(["wait", "grant", "preempt", "refuse"]);

/** Of a request's waits the first is told, and its turn if it came late. */
function isTold({ kind, name, atMs }: Row, waiting: Map<string, number>): boolean {
  const since = waiting.get(name ?? "");
  if (kind === "grant") return since !== undefined && atMs - since >= WORTH_MS;
  // It waits anew.
  if (kind === "preempt") waiting.delete(name ?? "");
  if (kind !== "wait") return true;
  if (since === undefined) waiting.set(name ?? "", atMs);
  return since === undefined;
}

function verdictOf({ governor, outOfMemoryAvoided, fewestLoads }: Comparison): readonly string[] {
  const { nearest } = governor.waits;
  const lines = [`Loads that would have run out of memory, and did not: ${outOfMemoryAvoided}`];
  if (nearest)
    lines.push(
      `Nearest to the longest wait there can be: ${nearest.name} waited ${seconds(nearest.waitedMs)} of at most ${seconds(nearest.boundMs)}`,
    );
  if (fewestLoads !== null)
    lines.push(`Who knew the future could have done with ${fewestLoads} loads, nobody waiting longer than here`);
  return lines;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
