import type { Card, Tiering } from "./hardwareTier.ts";

/** A set-up for a machine, with a sentence for every choice in it. */
export interface Advice {
  readonly backend: "llama.cpp" | "vLLM";
  readonly quantisation: "Q4_K_M" | "AWQ" | "FP16" | "BF16";
  /** Requests served at once. */
  readonly maxBatch: number;
  readonly maxContextTokens: number;
  readonly hasFlashAttention: boolean;
  /** Layers of a 7B model that go to the GPU. */
  readonly gpuLayers: number | "all" | "none";
  /** Share of a card's memory that vLLM may take; null for llama.cpp, which takes what it needs. */
  readonly memoryPercent: number | null;
  readonly layout: "processor" | "one card" | "one model per card";
  /** The document's suggestions, by name. */
  readonly models: readonly string[];
  readonly why: readonly string[];
}

export interface AdviceGiven {
  readonly tiering: Tiering;
  readonly platform: string;
  /** vLLM is used where it is installed, and never assumed. */
  readonly hasVllm: boolean;
}

type Row = Omit<Advice, "layout" | "why"> & { readonly reason: string };

const LLAMA = { backend: "llama.cpp", quantisation: "Q4_K_M", maxBatch: 1, memoryPercent: null } as const;

/** The document's table; one of several cards is treated as what it would be alone. */
const TABLE: Readonly<Record<Tiering["singleTier"], Row>> = {
  CPU_ONLY: {
    ...LLAMA,
    maxContextTokens: 2_048,
    hasFlashAttention: false,
    gpuLayers: "none",
    models: ["mistral-7b-instruct-v0.3.Q4_K_M.gguf", "starcoder2-3b.Q4_K_M.gguf"],
    reason: "without a GPU a processor's memory sets the pace, so weights are small and one request runs at a time",
  },
  LOW_VRAM: {
    ...LLAMA,
    maxContextTokens: 4_096,
    hasFlashAttention: true,
    gpuLayers: 20,
    models: ["mistral-7b-instruct-v0.3.Q4_K_M.gguf"],
    reason: "below 8 GB a 7B model fits in part: about 20 layers go to the GPU, the rest runs on the processor",
  },
  CONSUMER: {
    backend: "vLLM",
    quantisation: "AWQ",
    maxBatch: 8,
    maxContextTokens: 8_192,
    hasFlashAttention: true,
    gpuLayers: "all",
    memoryPercent: 90,
    models: ["mistral-7b-instruct-v0.3-awq", "starcoder2-3b-awq"],
    reason: "8 to 12 GB hold a 7B model in 4 bits with room for several requests",
  },
  PROSUMER: {
    backend: "vLLM",
    quantisation: "FP16",
    maxBatch: 32,
    maxContextTokens: 16_384,
    hasFlashAttention: true,
    gpuLayers: "all",
    memoryPercent: 90,
    models: ["mistral-7b-instruct-v0.3", "starcoder2-7b"],
    reason: "up to 24 GB hold a 7B model in full precision with a long context",
  },
  DATACENTER: {
    backend: "vLLM",
    quantisation: "BF16",
    maxBatch: 128,
    maxContextTokens: 32_768,
    hasFlashAttention: true,
    gpuLayers: "all",
    memoryPercent: 95,
    models: ["mistral-7b-instruct-v0.3", "starcoder2-15b"],
    reason: "more than 24 GB leave quality and many requests at once as the only limits",
  },
};

/** The document's set-up for a machine of this class, and what of it this machine cannot do. */
export function adviceFor(given: AdviceGiven): Advice {
  const { tiering } = given;
  const { reason, ...row } = TABLE[tiering.singleTier];
  const [card] = tiering.cards;
  const layout = layoutOf(tiering);
  if (!card) return { ...row, layout, why: [reason] };
  const vllm = row.backend === "vLLM" ? againstVllm(given, card) : null;
  if (vllm !== null) {
    // One process per model, a 4-bit file, and as much context: what llama.cpp gives instead.
    const { hasFlashAttention } = flashAttention(row.hasFlashAttention, card);
    const instead = { ...row, ...LLAMA, hasFlashAttention, models: row.models.map(asGguf) };
    return {
      ...instead,
      layout,
      why: [reason, `llama.cpp with a Q4_K_M file instead of vLLM: ${vllm}`, ...severalCards(tiering)],
    };
  }
  const flash = flashAttention(row.hasFlashAttention, card);
  const precise = precision(row, card);
  return {
    ...row,
    quantisation: precise.quantisation,
    models:
      precise.quantisation === row.quantisation ? row.models : row.models.map((it) => named(it, precise.quantisation)),
    hasFlashAttention: flash.hasFlashAttention,
    layout,
    why: [reason, ...precise.why, ...flash.why, ...severalCards(tiering)],
  };
}

/** The file that llama.cpp runs of a model that the table names for vLLM. */
function asGguf(model: string): string {
  return `${model.replace(/-awq$/, "")}.Q4_K_M.gguf`;
}

function named(model: string, quantisation: Advice["quantisation"]): string {
  return quantisation === "AWQ" ? `${model}-awq` : model;
}

/** Weights of a 7B model (7.25e9 parameters) in 16 bits, and the least that vLLM keeps beside them for one long prompt. */
const WHOLE_7B_BYTES = 14.5e9 + 2e9;

/** Why vLLM is not for this machine; null when it is. */
function againstVllm({ platform, hasVllm }: AdviceGiven, { vendor, computeCapability }: Card): string | null {
  if (platform !== "linux") return "vLLM runs on Linux only (on Windows inside WSL)";
  if (vendor !== "nvidia") return "vLLM is set up here for NVIDIA's cards only";
  if (computeCapability !== null && Number(computeCapability) < 7.5)
    return `vLLM needs compute capability 7.5, and this card has ${computeCapability}`;
  return hasVllm ? null : "vLLM is not installed; where it is, Tandem can use it as an endpoint";
}

function precision(
  { quantisation, memoryPercent }: Pick<Row, "quantisation" | "memoryPercent">,
  { computeCapability, totalBytes }: Card,
): Pick<Advice, "quantisation" | "why"> {
  const capability = computeCapability === null ? null : Number(computeCapability);
  const usableBytes = totalBytes * ((memoryPercent ?? 100) / 100);
  // The document's row goes from more than 12 GB on, and its models in 16 bits do not.
  if (quantisation === "FP16" && usableBytes < WHOLE_7B_BYTES) {
    const has = `${memoryPercent} % of this card is ${gigabytes(usableBytes)} GB`;
    return {
      quantisation: "AWQ",
      why: [
        `AWQ instead of FP16: a 7B model in 16 bits takes ${gigabytes(WHOLE_7B_BYTES)} GB with its context, and ${has}`,
      ],
    };
  }
  if (quantisation !== "BF16" || capability === null) return { quantisation, why: [] };
  if (capability < 8)
    return {
      quantisation: "FP16",
      why: [`FP16 instead of BF16, which needs compute capability 8.0 and not ${computeCapability}`],
    };
  return {
    quantisation,
    why: capability >= 9 ? ["FP8 is an alternative on this card: half the memory, a little less exact"] : [],
  };
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

function flashAttention(
  isWanted: boolean,
  { vendor, computeCapability }: Card,
): { hasFlashAttention: boolean; why: string[] } {
  if (!isWanted || vendor !== "nvidia" || computeCapability === null || Number(computeCapability) >= 7)
    return { hasFlashAttention: isWanted, why: [] };
  return {
    hasFlashAttention: false,
    why: [`no flash attention: compute capability ${computeCapability} has no tensor cores`],
  };
}

function layoutOf({ tier }: Tiering): Advice["layout"] {
  if (tier === "CPU_ONLY") return "processor";
  return tier === "MULTI_GPU" ? "one model per card" : "one card";
}

function severalCards({ tier, cards, isUniform }: Tiering): string[] {
  if (tier !== "MULTI_GPU") return [];
  const each = "one model per card: a draft and its audit run at the same time";
  if (cards.some((it) => it.isInstance))
    return [each, "a program can use one MIG instance only, so no model is split among them"];
  return isUniform ? [each, "a model is split among the cards only when it fits on none of them"] : [each];
}
