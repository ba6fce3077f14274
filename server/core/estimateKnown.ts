import { CONTEXT_FREE, isForVectors } from "./estimateLayers.ts";
import type { ComputeShape, EstimatedModel, LayerMemory } from "./memoryShape.ts";

/** A model's widths as its makers publish them (`config.json`), from which its memory follows before its file is here. */
export interface KnownShape {
  /** As GGUF files name it. */
  readonly architecture: string;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  /** Of a dense layer, or of one expert. */
  readonly feedForward: number;
  /** Experts that work at a time; null: no mixture. */
  readonly expertsUsed: number | null;
  readonly vocabulary: number;
}

export interface KnownModel {
  readonly bytes: number;
  readonly maxContextTokens: number;
  readonly shape: KnownShape;
}

/**
 * The model as its file will say, but for how its bytes lie: which part is the token embedding, that no GPU gets, is known only then. All
 * bytes count as layers', so that the estimate is too high by the embedding, and never too low.
 */
export function toKnownModel({ bytes, maxContextTokens, shape }: KnownModel): EstimatedModel {
  const { architecture, kvHeads, headWidth } = shape;
  const elements = CONTEXT_FREE.has(architecture) ? 0 : kvHeads * headWidth;
  const layer: LayerMemory = {
    weightBytes: bytes / shape.layers,
    keyElements: elements,
    valueElements: elements,
    windowTokens: null,
    stateBytes: 0,
  };
  return {
    architecture,
    contextTokens: maxContextTokens,
    layers: Array.from({ length: shape.layers }, () => layer),
    inputBytes: 0,
    outputBytes: 0,
    isOutputTied: false,
    embeddingBytes: 0,
    compute: computeOf(isForVectors(shape) ? { ...shape, vocabulary: 0 } : shape),
    notes: ["reckoned from its published widths and size, since its file is not here yet"],
  };
}

function computeOf({
  width,
  heads,
  kvHeads,
  headWidth,
  feedForward,
  expertsUsed,
  vocabulary,
}: KnownShape): ComputeShape {
  return {
    width,
    queryWidth: heads * headWidth,
    keyWidth: kvHeads * headWidth,
    heads,
    headWidth,
    feedForward: expertsUsed === null ? feedForward : 0,
    expertFeedForward: expertsUsed === null ? 0 : feedForward,
    expertsUsed: expertsUsed ?? 0,
    sharedFeedForward: 0,
    latentWidth: 0,
    innerWidth: 0,
    convolution: 0,
    vocabulary,
  };
}
