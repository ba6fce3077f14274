import { mcnemarExact, median, type Share, wilson } from "../statistics.ts";
import type { EvalMode, Outcome } from "./outcome.ts";
import type { EvalLanguage } from "./task.ts";

/** What a mode came to, over all tasks or over one language's. */
export interface Score {
  readonly passed: number;
  /** Without those that an engine's failure ended. */
  readonly tasks: number;
  /** Null when there are none. */
  readonly rate: Share | null;
}

export interface ModeSummary extends Score {
  readonly mode: EvalMode;
  readonly languages: readonly (Score & { readonly language: EvalLanguage })[];
  /** Time of a task that was not ended by an engine's failure, in ms; null when there are none. */
  readonly medianMs: number | null;
  readonly noDraft: number;
  readonly errors: number;
  /** Tasks whose final draft had findings, and drafts written once more. */
  readonly flagged: number;
  readonly repairs: number;
  /** Who wrote how many, the most first: routing may share them out. */
  readonly drafters: readonly { readonly model: string; readonly tasks: number }[];
  /** Tasks of the mode `audit` that got none: their auditor could not be had. */
  readonly unaudited: number;
  readonly medianOverlap: number | null;
}

/** The same tasks in two ways. */
export interface Pairing {
  readonly first: string;
  readonly second: string;
  /** Tasks that both did. */
  readonly tasks: number;
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Share of tasks by which the first is ahead. */
  readonly ahead: number;
  /** How likely so uneven a split is when neither is better (McNemar's exact test). */
  readonly p: number;
}

export interface Summary {
  readonly modes: readonly ModeSummary[];
  readonly pairs: readonly Pairing[];
}

/** What is worth comparing: does the audit help, does size, and does an audit make up for size. */
const QUESTIONS: readonly (readonly [EvalMode, EvalMode])[] = [
  ["audit", "draft"],
  ["large", "small"],
  ["audit", "large"],
  ["draft", "small"],
];

/** Whatever of a run there is. */
export function summarise(outcomes: readonly Outcome[]): Summary {
  const modes = [...new Set(outcomes.map((it) => it.mode))];
  const of = (mode: EvalMode) => outcomes.filter((it) => it.mode === mode);
  const asked = QUESTIONS.filter(([a, b]) => modes.includes(a) && modes.includes(b));
  return {
    modes: modes.map((mode) => modeSummary(mode, of(mode))),
    pairs: asked.map(([a, b]) => paired({ name: a, outcomes: of(a) }, { name: b, outcomes: of(b) })),
  };
}

function modeSummary(mode: EvalMode, outcomes: readonly Outcome[]): ModeSummary {
  const done = outcomes.filter((it) => it.kind !== "error");
  const languages = [...new Set(outcomes.map((it) => it.language))].sort();
  const count = (of: (it: Outcome) => boolean) => done.filter(of).length;
  return {
    mode,
    ...score(done),
    languages: languages.map((language) => ({ language, ...score(done.filter((it) => it.language === language)) })),
    medianMs: median(done.map((it) => it.ms)),
    noDraft: count((it) => it.kind === "no-draft"),
    errors: outcomes.length - done.length,
    flagged: count((it) => it.findings > 0),
    repairs: done.reduce((sum, it) => sum + it.repairs, 0),
    drafters: draftersOf(done),
    unaudited: count((it) => it.mode === "audit" && it.kind !== "no-draft" && it.auditor === null),
    medianOverlap: median(done.flatMap((it) => (it.overlap === null ? [] : [it.overlap]))),
  };
}

function draftersOf(done: readonly Outcome[]): ModeSummary["drafters"] {
  const names = [...new Set(done.flatMap((it) => it.drafter ?? []))];
  const counted = names.map((model) => ({ model, tasks: done.filter((it) => it.drafter === model).length }));
  return counted.sort((a, b) => b.tasks - a.tasks);
}

function score(done: readonly Outcome[]): Score {
  const passed = done.filter((it) => it.kind === "passed").length;
  return { passed, tasks: done.length, rate: wilson(passed, done.length) };
}

interface Side {
  readonly name: string;
  readonly outcomes: readonly Outcome[];
}

/** Tasks that an engine's failure ended on either side are left out. */
export function paired(first: Side, second: Side): Pairing {
  const others = new Map(second.outcomes.filter((it) => it.kind !== "error").map((it) => [it.task, it]));
  let [tasks, onlyFirst, onlySecond] = [0, 0, 0];
  for (const it of first.outcomes) {
    const other = others.get(it.task);
    if (it.kind === "error" || !other) continue;
    tasks++;
    const [isPassed, isOtherPassed] = [it.kind === "passed", other.kind === "passed"];
    if (isPassed && !isOtherPassed) onlyFirst++;
    if (!isPassed && isOtherPassed) onlySecond++;
  }
  const ahead = tasks === 0 ? 0 : (onlyFirst - onlySecond) / tasks;
  const p = mcnemarExact(onlyFirst, onlySecond);
  return { first: first.name, second: second.name, tasks, onlyFirst, onlySecond, ahead, p };
}
