import { type KvType, type LoadPlan, slotTokens, stepTokens, windowCells } from "./estimatePlan.ts";
import type { ComputeShape, EstimatedModel } from "./memoryShape.ts";

/** Bytes of a 32-bit float, which llama.cpp computes in. */
const FLOAT = 4;
/** Positions, chosen rows and the allocator's own padding: some 10 kB in every buffer measured. */
const SMALL_BYTES = 12_000;

/**
 * What one step of the computation needs besides weights, keys and values: llama.cpp reserves the largest step's once, when it
 * loads, and its allocator reuses what is no longer needed, so that it is the most that lives at once in any layer. The products below are
 * those that `src/llama-graph.cpp` builds; which of them live at once was inferred from what a real llama-server printed for seven
 * models, so that it is fitted to these (test/engine/estimate.test.ts) and not proven for others: shapes made up from them came out up
 * to 31 % too high, and 1.2 % too low at most. The processor's buffers were measured; no GPU's.
 */
export function computeBytes(model: EstimatedModel, plan: LoadPlan): number {
  const { compute: shape } = model;
  const tokens = stepTokens(plan);
  const step = FLOAT * tokens;
  const feedForward = step * Math.max(denseWidth(shape, plan), mixtureWidth(shape));
  const attention = shape.heads > 0 ? step * attentionWidth(shape, plan) + scoreBytes(model, plan, tokens) : 0;
  const recurrent = step * recurrentWidth(shape) + FLOAT * shape.convolution * shape.innerWidth;
  const last = FLOAT * plan.slots * (shape.vocabulary + shape.width) + step * shape.width;
  const layer = Math.max(feedForward, attention, recurrent, last);
  const all = plan.outputs === "step" ? step * outputWidth(shape) : 0;
  return SMALL_BYTES + Math.max(maskBytes(model, plan) + rotationBytes(model, plan) + layer, all);
}

/**
 * What comes next for every token of a step, beside what the last layer gave and its norm; the masks are free again by then. Measured
 * with node-llama-cpp 3.21.1 on four shapes, to 0.2 % at most.
 */
function outputWidth({ vocabulary, width, innerWidth }: ComputeShape): number {
  if (vocabulary === 0) return 0;
  return vocabulary + (innerWidth > 0 ? 3 : 2) * width;
}

/** What a step is given: the tokens' vectors, and which token may look at which. */
export function inputBytes(model: EstimatedModel, plan: LoadPlan): number {
  return FLOAT * stepTokens(plan) * model.compute.width + maskBytes(model, plan);
}

/** One mask for the layers that look at everything, one for those with a window; 16-bit where flash attention reads it. */
function maskBytes(model: EstimatedModel, plan: LoadPlan): number {
  const attending = model.layers.filter((it) => it.keyElements > 0);
  const windows = attending.flatMap((it) => (it.windowTokens === null ? [] : [it.windowTokens]));
  const full = attending.length > windows.length ? slotTokens(plan) : 0;
  const windowed = windows.length > 0 ? windowCells(Math.max(...windows), plan) : 0;
  return (plan.flashAttention === "on" ? 2 : FLOAT) * stepTokens(plan) * (full + windowed);
}

/** Without flash attention every head's score of every pair of tokens is there at once, in the layer that looks back furthest. */
function scoreBytes(model: EstimatedModel, plan: LoadPlan, tokens: number): number {
  if (plan.flashAttention === "on") return 0;
  const cells = model.layers
    .filter((it) => it.keyElements > 0)
    .map((it) => (it.windowTokens === null ? slotTokens(plan) : windowCells(it.windowTokens, plan)));
  return FLOAT * tokens * model.compute.heads * Math.max(0, ...cells);
}

/** The residual, its norm and the result; queries before and after their rotation. New keys and values wait beside the scores. */
function attentionWidth({ width, queryWidth, keyWidth, heads, latentWidth }: ComputeShape, plan: LoadPlan): number {
  // Compressed: queries are widened to the common vector, joined with their rotated part, and so is what is read.
  const latent = latentWidth > 0 ? 2 * heads * latentWidth : 0;
  const beside = plan.flashAttention === "off" ? 2 * keyWidth : 0;
  return 3 * width + 2 * queryWidth + latent + beside;
}

/** Gate, up and their product, beside the residual and what is left of the queries. */
function denseWidth(shape: ComputeShape, plan: LoadPlan): number {
  if (shape.feedForward === 0) return 0;
  return 3 * shape.feedForward + 3 * shape.width + leftoverWidth(shape, plan);
}

/**
 * Space of queries that nothing after them fits into. Rotated ones are a second block: as wide as the model, one of the two is
 * taken again to the byte; narrower ones leave both.
 */
function leftoverWidth({ width, queryWidth, ...shape }: ComputeShape, plan: LoadPlan): number {
  if (!isRotated({ width, queryWidth, ...shape }, plan.keyType) || queryWidth > width) return queryWidth;
  return queryWidth === width ? 0 : 2 * queryWidth;
}

/** llama.cpp turns keys and values that it quantises, so that no number in them stands out; in blocks of 64 or more. */
function isRotated({ headWidth, latentWidth }: ComputeShape, type: KvType): boolean {
  const isQuantised = type !== "f32" && type !== "f16" && type !== "bf16";
  return isQuantised && latentWidth === 0 && headWidth > 0 && headWidth % ROTATED_BLOCK === 0;
}

const ROTATED_BLOCK = 64;

/** The matrices that turn them: one for keys, as large as the largest power of two in a head, and one for values. */
function rotationBytes({ compute: shape, layers }: EstimatedModel, plan: LoadPlan): number {
  const attending = layers.filter((it) => it.keyElements > 0);
  const caches = new Set(attending.map((it) => it.windowTokens === null)).size;
  const keys = isRotated(shape, plan.keyType) ? (shape.headWidth & -shape.headWidth) ** 2 : 0;
  const values = isRotated(shape, plan.valueType) ? ROTATED_BLOCK ** 2 : 0;
  return FLOAT * caches * (keys + values);
}

/**
 * The same for all experts that work on a token; each gives a result of the model's width, which needs space of its own where gate
 * and up leave too little. An expert that always works comes after them, while their sum waits.
 */
function mixtureWidth(shape: ComputeShape): number {
  const { width, queryWidth, expertFeedForward, expertsUsed, sharedFeedForward } = shape;
  const [inside, results] = [expertFeedForward * expertsUsed, width * expertsUsed];
  if (inside === 0) return 0;
  const shared = sharedFeedForward > 0 ? 3 * sharedFeedForward + width : 0;
  return 3 * inside + 3 * width + queryWidth + (results > 2 * inside ? results : 0) + shared;
}

/** Two halves of the input, their convolution, steps and result. */
function recurrentWidth({ width, innerWidth }: ComputeShape): number {
  return innerWidth > 0 ? 6 * innerWidth + width : 0;
}
