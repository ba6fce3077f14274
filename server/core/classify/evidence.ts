import { ACTIONS } from "./cueScores.ts";
import { FACTS, type Features } from "./features.ts";
import { type LinearModel, margins } from "./linear.ts";
import type { Reading } from "./reading.ts";

/** A word beside the strongest is named with it when it says at least this share of what that says. */
const NEIGHBOUR_SHARE = 0.35;
const MOST_WORDS = 4;
const LITTLE = /^(a|an|the|this|that|it|to|is|are|or|and|for|in|of|on|i|so|be|can)$/i;
/** A fact that speaks this much, in logits, is worth a clause of its own. */
const WORTH_NAMING = 0.7;

/** What speaks most for one action against another: the words as they were typed, and what else is known. */
export function evidence(reading: Reading, features: Features, decided: Decided): string {
  const { model, best, second } = decided;
  const perWord = reading.words.map(() => 0);
  const perFact = FACTS.map(() => 0);
  const speaks = margins(model, features, [best, second]);
  for (let index = 0; index < speaks.length; index++) {
    const source = features.sources[index] ?? 0;
    const sums = source >= 0 ? perWord : perFact;
    const at = source >= 0 ? source : -1 - source;
    sums[at] = (sums[at] ?? 0) + (speaks[index] ?? 0);
  }
  const strongest = perFact.indexOf(Math.max(...perFact));
  const fact = (perFact[strongest] ?? 0) >= WORTH_NAMING ? FACTS[strongest] : undefined;
  const phrase = strongestWords(perWord, reading.shown);
  const what = [phrase === null ? undefined : `"${phrase}"`, fact].filter((it) => it !== undefined);
  if (what.length === 0) return `all in all it reads like ${ACTIONS[best]}`;
  return `${what.join(" and ")} ${what.length === 1 ? "speaks" : "speak"} for ${ACTIONS[best]}`;
}

export interface Decided {
  readonly model: LinearModel;
  /** Indices into `ACTIONS`. */
  readonly best: number;
  readonly second: number;
}

function strongestWords(perWord: readonly number[], shown: readonly string[]): string | null {
  const most = Math.max(...perWord, 0);
  if (most <= 0) return null;
  const counts = (at: number) => (perWord[at] ?? 0) >= most * NEIGHBOUR_SHARE;
  let from = perWord.indexOf(most);
  let to = from;
  while (to - from + 1 < MOST_WORDS && (counts(from - 1) || counts(to + 1))) {
    if ((perWord[to + 1] ?? 0) >= (perWord[from - 1] ?? 0)) to++;
    else from--;
  }
  // "the" alone convinces nobody.
  if (from === to && LITTLE.test(shown[from] ?? "")) to = Math.min(to + 2, shown.length - 1);
  return shown
    .slice(from, to + 1)
    .join(" ")
    .slice(0, 60);
}
