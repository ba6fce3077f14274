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
 * Below this probability an edit is not begun: it would be likelier wrong than right, and answering the request as a question changes
 * nothing. Of the held-out families' requests one in a hundred falls below, of those above nine in ten are right, and above 0.9 fewer
 * than one in fifty is wrong (`npm run bench:classify` prints the curve).
 */
export const LEAST_CONFIDENCE = 0.5;

/** What a request asks for, before its code is looked at. */
export interface Decision {
  readonly action: Action;
  /** As in `Classification`. */
  readonly confidence: number;
  readonly why: string;
  /** The rule that matched. */
  readonly rule: Rule | null;
}

/** Which action a request is and how heavy, with the evidence. Pure; no language model is asked. */
export function classify(input: ClassifyInput): Classification {
  return weighed(decide(input), input);
}

/** The first half: the action. What `input` says of the code's size does not matter yet. */
export function decide(input: Pick<ClassifyInput, "action" | "instruction" | "errorCount" | "rules">): Decision {
  const rule = input.rules ? ruleFor(input.rules, input.instruction) : null;
  const named = rule ? [`your rule "${rule.pattern}" matches`] : [];
  const { why, ...found } = input.action
    ? { action: input.action, confidence: 1, why: "the command says so" }
    : rule?.action
      ? { action: rule.action, confidence: 1, why: null }
      : readAction(input);
  return { ...found, why: [...named, ...(why === null ? [] : [why])].join("; "), rule };
}

/** The second half: how heavy that is for this code. */
export function weighed(decision: Decision, input: Omit<ClassifyInput, "action" | "rules">): Classification {
  const { action, confidence, rule } = decision;
  const { tier, why } = weigh(action, {
    instruction: input.instruction,
    lines: input.targetLines,
    nesting: input.nesting ?? 0,
    symbols: input.symbols ?? 0,
    errorCount: input.errorCount,
  });
  const model = rule?.model ?? null;
  if (rule?.tier) return { action, tier: rule.tier, confidence, why: decision.why, model };
  return { action, tier, confidence, why: why === null ? decision.why : `${decision.why}; ${why}`, model };
}

type Read = Pick<Decision, "action" | "confidence" | "why">;

function readAction({ instruction, errorCount }: Pick<ClassifyInput, "instruction" | "errorCount">): Read {
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
  const isSafe = likeliest === "ask" || likeliest === "explain";
  if (confidence >= LEAST_CONFIDENCE || isSafe)
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
