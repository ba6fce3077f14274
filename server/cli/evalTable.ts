import type { Outcome } from "../core/eval/outcome.ts";
import { type ModeSummary, type Pairing, type Score, type Summary, summarise } from "../core/eval/summary.ts";
import { align } from "./table.ts";
import { seconds } from "./wording.ts";

/** One line of a run that goes on. */
export function outcomeLine(outcome: Outcome, nth: number, of: number): string {
  const { mode, task, kind, ms, findings, repairs, why } = outcome;
  const audit = [
    ...(findings > 0 ? [`${findings} flagged`] : []),
    ...(repairs > 0 ? [`written again`] : []),
    ...(outcome.cloud === null ? [] : [`seen by ${outcome.cloud}`]),
  ];
  const said = kind === "no-draft" || kind === "error" ? `  ${(why ?? "").split("\n", 1)[0]}` : "";
  const head = [`${nth}/${of}`.padEnd(8), mode.padEnd(6), task.padEnd(28), kind.padEnd(8), seconds(ms)].join(" ");
  return `${head}${audit.length > 0 ? `  (${audit.join(", ")})` : ""}${said}`;
}

/** The tables of a run, or of what there is of it. */
export function evalTable(outcomes: readonly Outcome[]): string {
  const summary = summarise(outcomes);
  if (summary.modes.length === 0) return "No task was done.\n";
  const languages = [...new Set(outcomes.map((it) => it.language))].sort();
  const rows = summary.modes.map((it) => [
    it.mode,
    fraction(it),
    interval(it),
    ...languages.map((language) => {
      const own = it.languages.find((each) => each.language === language);
      return own ? fraction(own) : "";
    }),
    it.medianMs === null ? "" : seconds(it.medianMs),
    it.medianOverlap === null ? "" : percent(it.medianOverlap),
    remarks(it),
  ]);
  const head = ["mode", "passed", "95 % interval", ...languages, "median time", "overlap", ""];
  const lines = align([head, ...rows]);
  return `${[...lines, ...pairLines(summary)].join("\n")}\n`;
}

/** Two runs of the same tasks, mode by mode. */
export function pairTable(pairs: readonly Pairing[]): string {
  if (pairs.length === 0) return "The two have no task in common in any mode.\n";
  return `${[...pairs.map(pairLine), "", P_MEANS].join("\n")}\n`;
}

function pairLines({ pairs }: Summary): string[] {
  const told = pairs.filter((it) => it.tasks > 0);
  return told.length === 0 ? [] : ["", ...told.map(pairLine), P_MEANS];
}

const P_MEANS = "(p: how likely so uneven a split is if neither is better; McNemar's exact test. Intervals: Wilson's.)";

function pairLine({ first, second, tasks, onlyFirst, onlySecond, ahead, p }: Pairing): string {
  const points = Math.round(100 * ahead);
  const lead = points === 0 ? "level" : `${Math.abs(points)} points ${points > 0 ? "ahead" : "behind"}`;
  const split = `${onlyFirst} solved by ${first} alone, ${onlySecond} by ${second} alone, of ${tasks}`;
  return `${first} against ${second}: ${lead}; ${split}; p = ${p < 0.001 ? "below 0.001" : p.toFixed(3)}`;
}

function remarks({ noDraft, errors, flagged, repairs, unaudited, drafters }: ModeSummary): string {
  return [
    ...(drafters.length > 1 ? [`written by ${drafters.map((it) => `${it.model} (${it.tasks})`).join(" and ")}`] : []),
    ...(noDraft > 0 ? [`${noDraft} without a usable draft`] : []),
    ...(flagged > 0 ? [`${flagged} flagged`] : []),
    ...(repairs > 0 ? [`${repairs} written again`] : []),
    ...(unaudited > 0 ? [`${unaudited} WITHOUT an audit`] : []),
    ...(errors > 0 ? [`${errors} left out: an engine failed`] : []),
  ].join(", ");
}

function fraction({ passed, tasks }: Score): string {
  return `${passed}/${tasks}`;
}

function interval({ rate }: Score): string {
  return rate === null ? "" : `${percent(rate.share)} (${percent(rate.least)} to ${percent(rate.most)})`;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
