import { TandemError } from "../errors.ts";
import type { LoadedEmbedder } from "./load.ts";

export interface EmbedHooks {
  /** The next text's vector, of length 1. */
  vector(vector: readonly number[]): void;
  isCancelled(): boolean;
}

/**
 * Makes the texts' vectors, in order; resolves to the tokens it read, or to null when it was cancelled, which it heeds between
 * two texts. Nothing is begun where a text is too long or empty. Throws TandemError: context-length, bad-input.
 */
export type EmbedTexts = (texts: readonly string[], hooks: EmbedHooks) => Promise<number | null>;

export function createEmbed({ context, contextTokens }: LoadedEmbedder): EmbedTexts {
  return async (texts, { vector, isCancelled }) => {
    const lengths = texts.map((text) => context.calculateInputLength(text));
    for (const [index, tokens] of lengths.entries()) {
      const name = `Text ${index + 1} of ${texts.length}`;
      checkFits({ name, index, tokens, contextTokens, isEmpty: texts[index] === "" });
    }
    for (const text of texts) {
      if (isCancelled()) return null;
      const made = unit((await context.getEmbeddingFor(text)).vector);
      if (!made.every(Number.isFinite)) throw new Error("the model made a vector that is no numbers");
      vector(made);
    }
    return isCancelled() ? null : lengths.reduce((sum, tokens) => sum + tokens, 0);
  };
}

function checkFits(text: { name: string; index: number; tokens: number; contextTokens: number; isEmpty: boolean }) {
  const { name, index, tokens, contextTokens } = text;
  if (text.isEmpty)
    throw new TandemError("bad-input", `${name} is empty`, "Leave empty texts out", { details: { index } });
  // The library wants one more than the text has.
  if (tokens < contextTokens) return;
  throw new TandemError(
    "context-length",
    `${name} has ${tokens} tokens; the model's context holds ${contextTokens}`,
    "Cut the text into shorter ones, or choose a model with a larger context",
    { details: { index, promptTokens: tokens, contextTokens } },
  );
}

/** Of length 1, as OpenAI's API and llama-server give them, so that a product of two tells how alike they are. */
function unit(vector: readonly number[]): readonly number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}
