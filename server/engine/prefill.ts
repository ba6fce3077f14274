import type { LlamaContextSequence, Token } from "node-llama-cpp";

/**
 * The library does not interrupt an evaluation (measured: a prompt of 1,680 tokens held a cancelled engine for 14 s), so a prompt
 * goes in steps. They grow while they are quick: a GPU wants big ones.
 */
const STEP_TOKENS = 128;
const QUICK_MS = 100;

export interface Prefilled {
  /** Tokens of the prompt that were in the KV cache already. */
  readonly cachedTokens: number;
  /** The end of the prompt, not yet evaluated, to start the generation with; never empty. */
  readonly rest: readonly Token[];
}

/**
 * Makes the sequence hold the prompt up to its last step, keeping the beginning that it shares with what the sequence holds.
 * Null when it was cancelled; the sequence then holds a part of the prompt. Precondition: the prompt is not empty and fits.
 */
export async function prefill(
  sequence: LlamaContextSequence,
  tokens: readonly Token[],
  isCancelled: () => boolean,
): Promise<Prefilled | null> {
  const shared = sequence.compareContextTokens([...tokens]).firstDifferentIndex;
  // The last token is always evaluated: only that yields the next one.
  const cachedTokens = await keepStart(sequence, Math.min(shared, tokens.length - 1));
  let stepTokens = Math.min(STEP_TOKENS, sequence.context.batchSize);
  let at = cachedTokens;
  while (tokens.length - at > stepTokens) {
    if (isCancelled()) return null;
    const startedMs = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + stepTokens));
    at += stepTokens;
    if (performance.now() - startedMs < QUICK_MS) stepTokens = Math.min(stepTokens * 2, sequence.context.batchSize);
  }
  return isCancelled() ? null : { cachedTokens, rest: tokens.slice(at) };
}

/** Drops what the sequence holds from `length` on; returns how much of the beginning could really be kept. */
async function keepStart(sequence: LlamaContextSequence, length: number): Promise<number> {
  const end = sequence.nextTokenIndex;
  if (length >= end) return end;
  // Recurrent models and sliding windows cannot simply forget an end; going back would evaluate all before it in one go.
  const evaluatedAgain = sequence.getRestoreToPrefixIndexEvaluationSize(length - 1);
  if (length === 0 || evaluatedAgain > STEP_TOKENS) {
    await sequence.clearHistory();
    return 0;
  }
  const usedBefore = sequence.tokenMeter.usedInputTokens;
  await sequence.eraseContextTokenRanges([{ start: length, end }]);
  return Math.max(0, length - (sequence.tokenMeter.usedInputTokens - usedBefore));
}
