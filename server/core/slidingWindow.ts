import { numberAt, type Values } from "./ggufValues.ts";

/** Which layers look back only so far. */
export interface Window {
  readonly tokens: number;
  /** One layer in `period` looks at everything: the last of them, or the first. A list says it of each layer. */
  readonly layers:
    | { readonly period: number; readonly isFirstFull: boolean }
    | { readonly windowed: readonly boolean[] };
}

interface Default {
  readonly period?: number;
  readonly tokens?: number;
  readonly isFirstFull?: true;
}

/**
 * The architectures whose windows llama.cpp heeds, with what it takes where the file is silent (`src/models`). For all others a
 * window in the file is not used, and every layer keeps all.
 */
const HEEDED: ReadonlyMap<string, Default> = new Map<string, Default>([
  ["afmoe", { period: 4 }],
  ["cohere2", { period: 4 }],
  ["cohere2moe", { period: 4, isFirstFull: true }],
  ["exaone4", { period: 4 }],
  ["exaone-moe", { period: 4, tokens: 128 }],
  ["gemma2", { period: 2, tokens: 4_096 }],
  ["gemma3", { period: 6 }],
  ["gemma3n", { period: 5 }],
  ["gemma4", {}],
  ["gpt-oss", { period: 2 }],
  ["granite_swa", {}],
  ["laguna", { period: 4, isFirstFull: true }],
  ["llama4", { period: 4, tokens: 8_192 }],
  ["mellum", { period: 4 }],
  ["mimo2", {}],
  ["muse-glimmer", { period: 4 }],
  ["olmo2", { period: 4 }],
  ["plamo3", { period: 8 }],
  ["smallthinker", { period: 4, tokens: 4_096, isFirstFull: true }],
  ["step35", {}],
]);

/** Null: no layer has a window. */
export function windowOf(values: Values): Window | null {
  const known = HEEDED.get(values.architecture);
  if (!known) return null;
  const given = numberAt(values, "attention.sliding_window");
  // Llama 4 cuts its text into pieces of a fixed size; a window of 0 turns that off.
  const isFixed = values.architecture === "llama4" && given !== 0;
  const tokens = isFixed ? known.tokens : (given ?? known.tokens);
  if (!tokens) return null;
  const pattern = values.list("attention.sliding_window_pattern");
  if (pattern !== null && pattern.length > 1) return { tokens, layers: { windowed: pattern.map((it) => it !== 0) } };
  const period = pattern?.[0] ?? known.period;
  return period === undefined ? null : { tokens, layers: { period, isFirstFull: known.isFirstFull ?? false } };
}

export function isWindowed({ layers }: Window, layer: number, layerCount: number): boolean {
  if ("windowed" in layers) return layers.windowed[layer] ?? false;
  const { period, isFirstFull } = layers;
  if (layer >= layerCount) return false;
  if (period === 0) return true;
  return isFirstFull ? layer % period !== 0 : layer % period < period - 1;
}
