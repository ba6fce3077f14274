import type { Action, Tier } from "../protocol/run.ts";
import { CUES, mended } from "./cues.ts";

export interface ClassifyInput {
  /** Fixed by an explicit command; null: read it from the instruction. */
  readonly action: Action | null;
  readonly instruction: string;
  /** Lines of code the task is about; 0 when there is none. */
  readonly targetLines: number;
  readonly errorCount: number;
}

export interface Classification {
  readonly action: Action;
  readonly tier: Tier;
  /** Share of the evidence that points to `action`, 0 to 1. An explicit command is 1. */
  readonly confidence: number;
  readonly why: string;
}

/** Below this share of the evidence the request is treated as a question: that never edits anything. */
const LEAST_CONFIDENCE = 0.25;
/** Evidence that speaks for nothing, as if there were always half a word of it: one word alone is no certainty. */
const DOUBT = 2;
/** A word counts fully at the start of the request and fades to a third of that over this many words. */
const FADE_WORDS = 10;
/** From here on even a small job needs the larger model: about what a 1.5B model holds together. */
const LARGE_TARGET_LINES = 150;

const BASE_TIER: Record<Action, Tier> = {
  docstring: "simple",
  explain: "simple",
  ask: "simple",
  refactor: "moderate",
  fix: "moderate",
  test: "moderate",
  implement: "complex",
};

/** An identifier's parts must not count: "add a docstring to the implement() function" asks for a docstring. */
const NOT_WORDS = /`[^`]*`|\b\w+\(\)|\b[a-z]+[A-Z]\w*|\b\w+_\w+\b|\w+\.\w+/g;

/** Which action a request is and how heavy, with the evidence. Pure; no model is asked. */
export function classify(input: ClassifyInput): Classification {
  if (input.action) return withTier(input, input.action, 1, "the command says so");
  const scores = scoreActions(input.instruction);
  if (input.errorCount > 0) scores.set("fix", (scores.get("fix") ?? 0) + 1);
  const ranked = [...scores].sort((a, b) => b[1] - a[1]);
  const [best, second] = ranked;
  if (!best || best[1] <= 0)
    return withTier(input, "ask", 0, "nothing in the request names an action, and a question edits nothing");
  const total = ranked.reduce((sum, [, score]) => sum + score, 0);
  const confidence = best[1] / (total + DOUBT);
  const against = second ? `, against ${second[0]} ${second[1].toFixed(1)}` : "";
  const why = `the words say ${best[0]} (${best[1].toFixed(1)}${against})`;
  if (confidence < LEAST_CONFIDENCE)
    return withTier(input, "ask", confidence, `${why}: too close to call, and a question edits nothing`);
  return withTier(input, best[0], confidence, why);
}

function scoreActions(instruction: string): Map<Action, number> {
  const plain = instruction.split("\n", 3).join(" ").slice(0, 1_000);
  const text = mended(plain.replace(NOT_WORDS, " _ ").toLowerCase().trim());
  const scores = new Map<Action, number>();
  for (const [action, weight, pattern] of CUES) {
    for (const match of text.matchAll(pattern)) {
      const wordsBefore = text.slice(0, match.index).split(/\s+/).length - 1;
      const fade = 1 - (2 / 3) * Math.min(1, wordsBefore / FADE_WORDS);
      scores.set(action, (scores.get(action) ?? 0) + weight * fade);
    }
  }
  return scores;
}

function withTier(input: ClassifyInput, action: Action, confidence: number, why: string): Classification {
  const base = BASE_TIER[action];
  const text = input.instruction.toLowerCase();
  if (action === "refactor" && /\b(rename|lint)\b/.test(text))
    return { action, tier: "simple", confidence, why: `${why}; a rename or lint is small` };
  if (action === "ask" && /\b(design|architect\w*|plan)\b/.test(text))
    return { action, tier: "moderate", confidence, why: `${why}; a plan needs the larger model` };
  if (base === "simple" && input.targetLines > LARGE_TARGET_LINES)
    return {
      action,
      tier: "moderate",
      confidence,
      why: `${why}; ${input.targetLines} lines are too many for the small model`,
    };
  return { action, tier: base, confidence, why };
}
