import { ACTIONS } from "../../server/core/classify/cueScores.ts";
import { LEAST_CONFIDENCE } from "../../server/core/classify.ts";
import type { Action } from "../../server/protocol/run.ts";
import type { Example } from "./corpus.ts";

/** What a classifier said of an example. */
export interface Judged {
  readonly example: Pick<Example, "instruction" | "action">;
  readonly action: Action;
  readonly confidence: number;
}

export function accuracy(judged: readonly Judged[]): { right: number; all: number; share: number } {
  const right = judged.filter(isRight).length;
  return { right, all: judged.length, share: right / judged.length };
}

/** Bounds of a share with 95 % confidence (E. B. Wilson, 1927). */
export function wilson(right: number, all: number): [number, number] {
  const z = 1.959964;
  const share = right / all;
  const centre = share + z ** 2 / (2 * all);
  const half = z * Math.sqrt((share * (1 - share)) / all + z ** 2 / (4 * all ** 2));
  const scale = 1 + z ** 2 / all;
  return [(centre - half) / scale, (centre + half) / scale];
}

const BINS = 10;

/** Expected calibration error: how far confidence and share of right answers lie apart, over ten bins of equal width. */
export function calibrationError(judged: readonly Judged[]): number {
  const bins = Array.from({ length: BINS }, (_, bin) =>
    judged.filter(({ confidence }) => Math.min(BINS - 1, Math.floor(confidence * BINS)) === bin),
  );
  return bins.reduce((sum, bin) => {
    const meant = bin.reduce((total, it) => total + it.confidence, 0);
    return sum + Math.abs(meant - bin.filter(isRight).length) / judged.length;
  }, 0);
}

/** Rows: what was asked for; columns: what was read, both in the order of `ACTIONS`. */
export function confusion(judged: readonly Judged[]): number[][] {
  return ACTIONS.map((wanted) =>
    ACTIONS.map((said) => judged.filter((it) => it.example.action === wanted && it.action === said).length),
  );
}

export interface Threshold {
  readonly threshold: number;
  /** Share of requests that are decided. */
  readonly decided: number;
  /** Share of those that are right. */
  readonly right: number;
  /** Share of all requests that would be edited although something else was asked for. */
  readonly wrongEdits: number;
  /** Share of right decisions among those just below, in the tenth under the threshold; null where there are none. */
  readonly rightBelow: number | null;
}

/** What would be decided at each threshold, before any abstaining. */
export function abstention(judged: readonly Judged[], thresholds: readonly number[]): Threshold[] {
  return thresholds.map((threshold) => {
    const decided = judged.filter((it) => it.confidence >= threshold);
    const below = judged.filter((it) => it.confidence < threshold && it.confidence >= threshold - 0.1);
    const wrong = decided.filter((it) => !isRight(it) && it.action !== "ask" && it.action !== "explain");
    return {
      threshold,
      decided: decided.length / judged.length,
      right: decided.filter(isRight).length / Math.max(1, decided.length),
      wrongEdits: wrong.length / judged.length,
      rightBelow: below.length === 0 ? null : below.filter(isRight).length / below.length,
    };
  });
}

/** With the safe route that the product takes: too little confidence for an edit is a question. */
export function routed(judged: readonly Judged[]): Judged[] {
  return judged.map((it) =>
    it.confidence < LEAST_CONFIDENCE && it.action !== "explain" ? { ...it, action: "ask" } : it,
  );
}

function isRight({ example, action }: Judged): boolean {
  return example.action === action;
}
