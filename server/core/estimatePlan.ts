/** The types that llama.cpp keeps keys and values in, from the largest to the smallest. */
export const KV_TYPES = ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"] as const;
export type KvType = (typeof KV_TYPES)[number];

/** How a model would be loaded. */
export interface LoadPlan {
  /** Of all slots together. */
  readonly contextTokens: number;
  /** Requests that it answers at once; each gets its share of the context. */
  readonly slots: number;
  /** Tokens of one step of the computation: llama.cpp's `--ubatch-size`. */
  readonly batchTokens: number;
  /**
   * Tokens of a step for which it reckons what comes next: the last of each slot, as llama-server; or all of them, as node-llama-cpp and
   * who makes vectors. With large vocabularies this is most of the compute buffer.
   */
  readonly outputs: "slots" | "step";
  readonly keyType: KvType;
  readonly valueType: KvType;
  readonly flashAttention: "on" | "off";
  /** Layers on GPUs, from the last; the output layer counts as one more. "all" takes it too. */
  readonly gpuLayers: number | "all";
  /** The GPUs, and each one's share of the layers: any numbers that are in proportion. */
  readonly gpus: readonly { readonly id: string; readonly share: number }[];
}

/** llama.cpp's own, except that a whole model goes to the GPU. */
export const DEFAULT_PLAN: Omit<LoadPlan, "contextTokens" | "gpus"> = {
  slots: 1,
  batchTokens: 512,
  outputs: "slots",
  keyType: "f16",
  valueType: "f16",
  flashAttention: "on",
  gpuLayers: "all",
};

/**
 * Tokens of a llama-server's step on a processor: it heeds a cancellation between two steps only, and 128 tokens are a second or two
 * there.
 */
export const CPU_STEP_TOKENS = 128;

/** Without flash attention values lie the other way round, and blocks of a quantised type cannot. Null: nothing is wrong. */
export function whyNot(plan: Pick<LoadPlan, "valueType" | "flashAttention">): string | null {
  const isWhole = plan.valueType === "f32" || plan.valueType === "f16" || plan.valueType === "bf16";
  if (plan.flashAttention === "off" && !isWhole) return `values of type ${plan.valueType} need flash attention`;
  return null;
}

/** Cells of keys and values of one slot: llama.cpp gives every slot a multiple of this. */
const CONTEXT_STEP = 256;

/** The context of one slot as llama.cpp rounds it. */
export function slotTokens({ contextTokens, slots }: Pick<LoadPlan, "contextTokens" | "slots">): number {
  return roundUp(Math.floor(roundUp(contextTokens) / slots));
}

/** Cells of a layer that looks back `windowTokens` at most, per slot: the window, and a step that is being read. */
export function windowCells(windowTokens: number, { batchTokens, ...context }: LoadPlan): number {
  return roundUp(Math.min(slotTokens(context), windowTokens + stepTokens({ batchTokens, ...context })));
}

/** Tokens that one step really takes. */
export function stepTokens(plan: Pick<LoadPlan, "contextTokens" | "slots" | "batchTokens">): number {
  return Math.min(plan.batchTokens, slotTokens(plan) * plan.slots);
}

function roundUp(tokens: number): number {
  return Math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP;
}
