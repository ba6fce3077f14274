import type { LlamaContextSequence, Token } from "node-llama-cpp";

/**
 * The library does not interrupt an evaluation (measured: a prompt of 1,680 tokens held a cancelled engine for 14 s), so a prompt
 * goes in steps. They grow while they are quick, since a GPU wants big ones, and shrink where they would hold a cancelled engine for
 * long. Small ones cost: a 2-bit 1.1B on one core read 83 tokens/s in steps of 256, 80 in 128, 66 in 64, 49 in 32.
 */
const FIRST_STEP_TOKENS = 128;
const MIN_STEP_TOKENS = 16;
const QUICK_MS = 100;
const SLOW_MS = 2_000;

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
export type Prefill = (tokens: readonly Token[], hooks: PrefillHooks) => Promise<Prefilled | null>;

export interface PrefillHooks {
  isCancelled(): boolean;
  /** After each step. */
  reading(): void;
}

export function createPrefill(sequence: LlamaContextSequence): Prefill {
  const { batchSize } = sequence.context;
  let stepTokens = Math.min(FIRST_STEP_TOKENS, batchSize);
  return async (tokens, { isCancelled, reading }) => {
    const shared = sequence.compareContextTokens([...tokens]).firstDifferentIndex;
    // The last token is always evaluated: only that yields the next one.
    const cachedTokens = await keepStart(sequence, Math.min(shared, tokens.length - 1));
    let at = cachedTokens;
    while (tokens.length - at > stepTokens) {
      if (isCancelled()) return null;
      const startedMs = performance.now();
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + stepTokens));
      at += stepTokens;
      reading();
      stepTokens = nextStep(stepTokens, performance.now() - startedMs, batchSize);
    }
    // Nothing where the model can forget an end; where it cannot, the next prompt goes on from here.
    await sequence.takeCheckpoint();
    return isCancelled() ? null : { cachedTokens, rest: tokens.slice(at) };
  };
}

function nextStep(stepTokens: number, tookMs: number, batchSize: number): number {
  if (tookMs < QUICK_MS) return Math.min(stepTokens * 2, batchSize);
  return tookMs > SLOW_MS ? Math.max(Math.floor(stepTokens / 2), MIN_STEP_TOKENS) : stepTokens;
}

/** Drops what the sequence holds from `length` on; returns how much of the beginning could really be kept. */
async function keepStart(sequence: LlamaContextSequence, length: number): Promise<number> {
  const end = sequence.nextTokenIndex;
  if (length >= end) return end;
  // Recurrent models and sliding windows cannot simply forget an end; going back would evaluate all before it in one go.
  const evaluatedAgain = sequence.getRestoreToPrefixIndexEvaluationSize(length - 1);
  if (length === 0 || evaluatedAgain > FIRST_STEP_TOKENS) {
    await sequence.clearHistory();
    return 0;
  }
  const usedBefore = sequence.tokenMeter.usedInputTokens;
  await sequence.eraseContextTokenRanges([{ start: length, end }]);
  return Math.max(0, length - (sequence.tokenMeter.usedInputTokens - usedBefore));
}
