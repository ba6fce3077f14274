import type { KvType } from "./core/estimatePlan.ts";
import type { ModelInfo } from "./protocol/models.ts";

/** A GPU as a process is tied to it: by what names it for good where its driver can, else by its number. */
export interface Card {
  readonly uuid: string;
  readonly vendor: "nvidia" | "amd" | "apple";
  /** As its driver's tool counts them. */
  readonly index: number;
}

/** What a model is loaded with, beside its file: part of what makes it the same engine or another. */
export interface LoadOptions {
  readonly slots: number;
  readonly keyType: KvType;
  readonly valueType: KvType;
  /** "auto" leaves it to the engine. */
  readonly flashAttention: "auto" | "on" | "off";
  /** Layers on GPUs; "auto" leaves it to the engine, which looks at what is free. */
  readonly gpuLayers: number | "all" | "auto";
  /** The user's own, last on the command line; for servers only. */
  readonly extraArguments: readonly string[];
}

/** A model file, and how it is to be run here. */
export interface LocalSpec {
  readonly model: ModelInfo;
  readonly path: string;
  readonly device: string;
  /** The GPUs it is to be on, with each one's share of the layers; empty: as `device` says. */
  readonly cards: readonly (Card & { readonly share: number })[];
  readonly options: LoadOptions;
  readonly threads: number;
  readonly contextTokens: number;
  /** llama.cpp sets a context up for one or the other. */
  readonly use: "write" | "embed";
}

/** What vLLM is started with (seed 000: `--gpu-memory-utilization`, `--max-model-len`, `--quantization`, `--tensor-parallel-size`). */
export interface VllmSpec {
  readonly kind: "vllm";
  readonly executable: string;
  readonly model: ModelInfo;
  /** A hub's id, or a folder. */
  readonly source: string;
  readonly cards: readonly Card[];
  /** Of each card's memory, all of it taken at the start. */
  readonly memoryShare: number;
  readonly contextTokens: number;
  /** Null: as the model's own configuration says. */
  readonly quantization: string | null;
  readonly use: "write" | "embed";
  readonly extraArguments: readonly string[];
}

/** What to open: everything is decided before, the opener only does it. */
export type EngineSpec =
  | (LocalSpec & { readonly kind: "embedded" })
  /** In a llama-server of the user's, which Tandem starts and ends. */
  | (LocalSpec & { readonly kind: "llama-server"; readonly executable: string })
  /** In a vLLM that is installed here, which Tandem starts and ends: a hub's id or a folder in place of a file. */
  | VllmSpec
  | EndpointSpec;

/** A server that is there already. */
export interface EndpointSpec {
  readonly kind: "endpoint";
  readonly url: string;
  readonly modelName: string | null;
  readonly apiKey: string;
  /** A provider that is asked only as far as the user allows; what it is sent is looked through first. */
  readonly isCloud?: true;
  /** How patient it is waited for; left out: as usual. */
  readonly patience?: EndpointPatience;
}

/** Milliseconds. */
export interface EndpointPatience {
  readonly connectMs: number;
  readonly firstTokenMs: number;
  /** Between two signs of life, once it writes. */
  readonly idleMs: number;
}
