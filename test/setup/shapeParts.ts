import type { GgufMetadata, GgufValue } from "../fakes/gguf.ts";
import type { TensorShape } from "./sparseModel.ts";

export const F32 = 0;
export const F16 = 1;
export const Q8_0 = 8;
export const Q4_K = 12;
export const Q6_K = 14;
export const MXFP4 = 39;

export const u32 = (value: number): GgufValue => ({ kind: "uint32", value });
export const f32 = (value: number): GgufValue => ({ kind: "float32", value });

/** A tensor of a layer, without the layer's number. */
export type Block = readonly [name: string, type: number, ...dimensions: number[]];

/** The same tensors for every layer. */
export function blocks(layers: number, list: readonly Block[], from = 0): TensorShape[] {
  return Array.from({ length: layers - from }, (_, index) =>
    list.map(([name, type, ...dimensions]) => ({ name: `blk.${from + index}.${name}`, type, dimensions })),
  ).flat();
}

/** What stands before and after the layers. `output` null: the embedding serves again. */
export function ends(width: number, vocabulary: number, output: number | null, embedding = Q4_K): TensorShape[] {
  const table = [width, vocabulary];
  return [
    { name: "token_embd.weight", type: embedding, dimensions: table },
    { name: "output_norm.weight", type: F32, dimensions: [width] },
    ...(output === null ? [] : [{ name: "output.weight", type: output, dimensions: table }]),
  ];
}

/** Without a tokenizer: llama.cpp then asks for the size of the vocabulary alone. */
export function metadata(
  architecture: string,
  vocabulary: number,
  contextTokens: number,
  own: GgufMetadata,
): GgufMetadata {
  const keyed = Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value] as const);
  return {
    "general.architecture": { kind: "string", value: architecture },
    [`${architecture}.vocab_size`]: u32(vocabulary),
    [`${architecture}.context_length`]: u32(contextTokens),
    "tokenizer.ggml.model": { kind: "string", value: "no_vocab" },
    ...Object.fromEntries(keyed),
  };
}
