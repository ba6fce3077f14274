import type { Action, Tier } from "../protocol/run.ts";
import { ACTIONS, cueShares } from "./classify/cueScores.ts";
import { evidence } from "./classify/evidence.ts";
import { featuresOf } from "./classify/features.ts";
import { logits, softmax } from "./classify/linear.ts";
import { read } from "./classify/reading.ts";
import { type Rule, ruleFor } from "./classify/rules.ts";
import { weigh } from "./classify/tier.ts";
import { trained } from "./classify/trained.ts";

export interface ClassifyInput {
  /** Fixed by an explicit command; null: read it from the instruction. */
  readonly action: Action | null;
  readonly instruction: string;
  /** Lines of code the task is about; 0 when there is none. */
  readonly targetLines: number;
  /** Errors that the compiler or linter reports in that code. */
  readonly errorCount: number;
  /** How deep that code is nested, in steps of indentation. */
  readonly nesting?: number;
  /** Declarations in that code. */
  readonly symbols?: number;
  /** The user's own rules: the first whose pattern matches wins over everything but an explicit command. */
  readonly rules?: readonly Rule[];
}

export interface Classification {
  readonly action: Action;
  readonly tier: Tier;
  /**
   * How likely the request asks for this, 0 to 1: a calibrated probability for free text, 1 where a command or a rule says so. Of a
   * request that was too close to call it is the probability of the likeliest action, which was not taken.
   */
  readonly confidence: number;
  /** The strongest evidence, and what made the tier, for people. */
  readonly why: string;
  /** The model that a rule of the user's names; null: as routing finds best. */
  readonly model: string | null;
}

/**
 * Below this probability an edit is not begun: the request is answered as a question, which changes nothing. On the held-out families
 * fewer than half of the decisions below it are right, of those above it more than nine in ten (`npm run bench:classify` prints the
 * curve).
 */
export const LEAST_CONFIDENCE = 0.4;

/** Which action a request is and how heavy, with the evidence. Pure; no language model is asked. */
export function classify(input: ClassifyInput): Classification {
  const rule = input.rules ? ruleFor(input.rules, input.instruction) : null;
  const decided = decide(input, rule?.action ?? null);
  const { action, confidence } = decided;
  const { tier, why } = weigh(action, {
    instruction: input.instruction,
    lines: input.targetLines,
    nesting: input.nesting ?? 0,
    symbols: input.symbols ?? 0,
    errorCount: input.errorCount,
  });
  const model = rule?.model ?? null;
  const named = rule ? [`your rule "${rule.pattern}" matches`] : [];
  if (rule?.tier)
    return { action, tier: rule.tier, confidence, why: [...named, decided.why].filter(Boolean).join("; "), model };
  return { action, tier, confidence, why: [...named, decided.why, why].filter(Boolean).join("; "), model };
}

interface Decision {
  readonly action: Action;
  readonly confidence: number;
  readonly why: string | null;
}

function decide({ action, instruction, errorCount }: ClassifyInput, ruled: Action | null): Decision {
  if (action) return { action, confidence: 1, why: "the command says so" };
  if (ruled) return { action: ruled, confidence: 1, why: null };
  const reading = read(instruction);
  if (reading.words.length === 0 && errorCount === 0)
    return {
      action: "ask",
      confidence: 0,
      why: "nothing in the request names an action, and a question edits nothing",
    };
  const model = trained();
  const features = featuresOf(reading, { errorCount, cues: cueShares(reading.plain) });
  const shares = softmax(logits(model, features));
  const [best = 0, second = 0] = shares.map((_, at) => at).sort((a, b) => (shares[b] ?? 0) - (shares[a] ?? 0));
  const confidence = shares[best] ?? 0;
  const likeliest = ACTIONS[best] ?? "ask";
  const why = evidence(reading, features, { model, best, second });
  if (confidence >= LEAST_CONFIDENCE || likeliest === "ask" || likeliest === "explain")
    return {
      action: likeliest,
      confidence,
      why: confidence >= 0.8 ? why : `${why}, against ${percent(second, shares)}`,
    };
  return {
    action: "ask",
    confidence,
    why: `too close to call between ${percent(best, shares)} and ${percent(second, shares)}, and a question edits nothing`,
  };
}

function percent(at: number, shares: readonly number[]): string {
  return `${ACTIONS[at]} (${Math.round(100 * (shares[at] ?? 0))} %)`;
}
