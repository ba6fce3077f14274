import type { Spread } from "../protocol/benchmark.ts";

/** The middle of repeated measurements, and how far they lie apart. `values` is not empty. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? at(Math.floor(half)) : (at(half - 1) + at(half)) / 2;
  return { median, least: at(0), most: at(sorted.length - 1), samples: sorted.length };
}

/** How many requests at once are worth measuring: doubling up to all slots. */
export function batchSizes(slots: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < slots; size *= 2) sizes.push(size);
  return slots > 1 ? [...sizes, slots] : [];
}

/** What the answer may need beside its prompt: turns, a beginning of the text. */
const SLACK_TOKENS = 32;

/** The prompts that a context holds, shortest first, each once. */
export function promptsWithin(wanted: readonly number[], contextTokens: number): number[] {
  return [...new Set(wanted)].filter((it) => it + SLACK_TOKENS <= contextTokens).sort((a, b) => a - b);
}

/**
 * A text of about so many tokens that no cache holds: `seed` stands at its beginning, and the words after it follow from it.
 * Plain words, since a tokenizer makes one token of most of them.
 */
export function promptText(seed: string, tokens: number, tokensPerWord: number): string {
  const words = Math.max(1, Math.round(tokens / tokensPerWord));
  let state = [...seed].reduce((sum, it) => (Math.imul(sum, 31) + (it.codePointAt(0) ?? 0)) >>> 0, 7);
  const next = () => {
    // Numerical Recipes' linear congruential generator: any order of words will do.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return WORDS[(state >>> 16) % WORDS.length] ?? "";
  };
  return `${seed} ${Array.from({ length: words }, next).join(" ")}`;
}

const WORDS = (
  "the a of and to in is was for on that with as it by from at his her this not are but have an had they you were their " +
  "one all we can has there been if more when will would who so no out up into time two some them other new first than"
).split(" ");
