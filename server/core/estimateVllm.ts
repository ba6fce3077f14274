import { DRIVER_BYTES } from "./estimate.ts";

/** A model in vLLM as far as its need of memory goes; from its `config.json` and the headers of its weights. */
export interface VllmModel {
  readonly weightBytes: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  /** Keys and values come compressed (MLA): elements of a token and layer; null: they do not. */
  readonly latentWidth: number | null;
  /** Of an element of keys and values. */
  readonly elementBytes: number;
  readonly maxContextTokens: number | null;
}

export interface VllmPlan {
  /** Of one request; vLLM starts if its cache holds one of this length. */
  readonly contextTokens: number;
  /** Like cards that share it (`--tensor-parallel-size`). */
  readonly ranks: number;
  /** Of each card. */
  readonly totalBytes: number;
  readonly reserveBytes: number;
  /** Of each card's memory, as the user has it; null: as little as does. */
  readonly memoryShare: number | null;
}

/** What one card must hold. */
export interface VllmTerms {
  readonly weights: number;
  /** Activations of its profiling run, and what quantised weights are unpacked into. */
  readonly activations: number;
  /** Of one request of the full context. */
  readonly keysAndValues: number;
  /** The driver's context, PyTorch and captured CUDA graphs. */
  readonly footprint: number;
  readonly totalBytes: number;
}

export interface VllmEstimate extends VllmTerms {
  /** `--gpu-memory-utilization`: what it takes at its start, and keeps. */
  readonly memoryShare: number;
  readonly claimBytes: number;
  /** Tokens that its cache then holds, of all requests together. */
  readonly cacheTokens: number;
}

/** Beside the weights a fifth of them: the rule that GPUStack reckons with for vLLM; not measured here. */
const ACTIVATION_SHARE = 0.2;
/** CUDA graphs and PyTorch's allocator take 0.5 to 1 GB by vLLM's own log of captured graphs; not measured here. */
const GRAPH_BYTES = 1024 ** 3;
/** vLLM takes a share, and people write it in hundredths. */
const SHARE_STEP = 0.01;

/** Of each of so many cards, whatever cards they are. */
export function vllmTerms(
  model: VllmModel,
  { ranks, contextTokens }: Pick<VllmPlan, "ranks" | "contextTokens">,
): VllmTerms | string {
  if (model.heads % ranks !== 0) return `its ${model.heads} attention heads cannot be shared evenly by ${ranks} cards`;
  if (model.maxContextTokens !== null && contextTokens > model.maxContextTokens)
    return `it was made for ${model.maxContextTokens} tokens of context, and vLLM refuses ${contextTokens}`;
  const weights = Math.ceil(model.weightBytes / ranks);
  const activations = Math.ceil(weights * ACTIVATION_SHARE);
  const keysAndValues = contextTokens * kvBytesPerToken(model, ranks);
  const footprint = DRIVER_BYTES + GRAPH_BYTES;
  const totalBytes = weights + activations + keysAndValues + footprint;
  return { weights, activations, keysAndValues, footprint, totalBytes };
}

/** What it would take of each card, or in one sentence why it cannot. */
export function estimateVllm(model: VllmModel, plan: VllmPlan): VllmEstimate | string {
  const { ranks, totalBytes: cardBytes, reserveBytes } = plan;
  const terms = vllmTerms(model, plan);
  if (typeof terms === "string") return terms;
  const { totalBytes, keysAndValues } = terms;
  const least = Math.ceil(totalBytes / cardBytes / SHARE_STEP - 1e-9) * SHARE_STEP;
  const most = Math.floor((cardBytes - reserveBytes) / cardBytes / SHARE_STEP + 1e-9) * SHARE_STEP;
  const memoryShare = Math.round((plan.memoryShare ?? least) * 1e4) / 1e4;
  const claimBytes = Math.floor(memoryShare * cardBytes);
  if (memoryShare > most + 1e-9)
    return `it needs ${percent(memoryShare)} of each card, and ${percent(most)} can be given with the reserve kept free`;
  if (claimBytes < totalBytes)
    return `${percent(memoryShare)} of each card are too little: it needs ${percent(least)} with this context`;
  const cacheTokens = Math.floor((claimBytes - totalBytes + keysAndValues) / kvBytesPerToken(model, ranks));
  return { ...terms, memoryShare, claimBytes, cacheTokens };
}

/** Heads are shared out, and at least one is on each card; a compressed vector is on every card whole. */
function kvBytesPerToken({ layers, kvHeads, headWidth, latentWidth, elementBytes }: VllmModel, ranks: number): number {
  const elements = latentWidth ?? 2 * Math.max(1, Math.ceil(kvHeads / ranks)) * headWidth;
  return layers * elements * elementBytes;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
