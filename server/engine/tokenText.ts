import type { LlamaModel, Token } from "node-llama-cpp";

/** The longest UTF-8 sequence has four bytes, so at most that many tokens can make up one character. */
const MAX_HELD_TOKENS = 4;
/** A tokenizer decides on a leading space by the tokens before. */
const SEEN_TOKENS = 8;
const INCOMPLETE = "\uFFFD";

/** Turns tokens into text; a character that is spread over several tokens comes out whole. */
export interface TokenText {
  add(token: Token): string;
  /** What was held back, complete or not. */
  end(): string;
}

export function createTokenText(model: Pick<LlamaModel, "detokenize">, before: readonly Token[]): TokenText {
  let seen = before.slice(-SEEN_TOKENS);
  let held: Token[] = [];
  function release(text: string): string {
    seen = [...seen, ...held].slice(-SEEN_TOKENS);
    held = [];
    return text;
  }
  return {
    add(token) {
      held.push(token);
      const text = model.detokenize(held, false, seen);
      return text.endsWith(INCOMPLETE) && held.length < MAX_HELD_TOKENS ? "" : release(text);
    },
    end: () => release(held.length === 0 ? "" : model.detokenize(held, false, seen)),
  };
}
