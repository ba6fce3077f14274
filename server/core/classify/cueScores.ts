import type { Action } from "../../protocol/run.ts";
import { CUES, mended } from "../cues.ts";

/** The order of everything that has one number per action: scores, weights, probabilities. */
export const ACTIONS: readonly Action[] = ["docstring", "explain", "refactor", "fix", "test", "implement", "ask"];

/** A cue counts fully at the start of the request and fades to a third of that over this many words. */
const FADE_WORDS = 10;
/** Evidence that speaks for nothing, as if there were always half a word of it: one word alone is no certainty. */
const DOUBT = 2;

/** How strongly the cue list points to each of `ACTIONS`, as shares of all its evidence, 0 to 1. Pure. */
export function cueShares(plain: string): number[] {
  const text = mended(plain.toLowerCase().trim());
  const scores = ACTIONS.map(() => 0);
  const starts = [...text.matchAll(/\s+/g)].map((it) => it.index);
  for (const [action, weight, pattern] of CUES) {
    // Most are not there, and looking for all of one that is not is dear.
    if (text.search(pattern) === -1) continue;
    const at = ACTIONS.indexOf(action);
    for (const { index } of text.matchAll(pattern)) {
      const wordsBefore = starts.findIndex((it) => it >= index);
      const fade = 1 - (2 / 3) * Math.min(1, (wordsBefore === -1 ? starts.length : wordsBefore) / FADE_WORDS);
      scores[at] = (scores[at] ?? 0) + weight * fade;
    }
  }
  const total = scores.reduce((sum, it) => sum + it, DOUBT);
  return scores.map((it) => it / total);
}
