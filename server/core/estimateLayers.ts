import { numberAt, numberOfLayer, type Values } from "./ggufValues.ts";
import type { LayerMemory } from "./memoryShape.ts";
import { isWindowed, windowOf } from "./slidingWindow.ts";

/** What each layer keeps, by the rules of llama.cpp's memory classes (`llama_model::create_memory`), and what is beyond them. */
export function layersOf(
  values: Values,
  { layerCount, width }: { readonly layerCount: number; readonly width: number },
  weightBytes: readonly number[],
): { layers: readonly LayerMemory[]; notes: readonly string[] } {
  const { architecture } = values;
  const window = windowOf(values);
  const attending = attentionOf(values, layerCount);
  const stateBytes = stateBytesOf(values, width);
  const layers = weightBytes.map((bytes, layer): LayerMemory => {
    const windowTokens = window !== null && isWindowed(window, layer, layerCount) ? window.tokens : null;
    const kept = attending.has(layer) ? keptOf(values, { layer, width, isWindowed: windowTokens !== null }) : NOTHING;
    const state = isRecurrent(values, layer, layerCount) ? stateBytes : 0;
    return { weightBytes: bytes, ...kept, windowTokens, stateBytes: state };
  });
  const notes: string[] = [];
  if (INDEXED.has(architecture))
    notes.push(`${architecture} keeps an index beside keys and values, which is not counted: expect more`);
  if (OTHER_STATES.has(architecture)) notes.push(`the recurrent state of ${architecture} is not counted`);
  return { layers, notes };
}

const NOTHING = { keyElements: 0, valueElements: 0 };

/** All layers keep a state, and none keys or values. */
const RECURRENT = new Set(["mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"]);
/** Layers without key heads are the recurrent ones. */
const HYBRID_BY_HEADS = new Set([
  "jamba",
  "plamo2",
  "granitehybrid",
  "lfm2",
  "lfm2moe",
  "nemotron_h",
  "nemotron_h_moe",
  "kimi-linear",
  "kimi-k3",
  "bailingmoe3",
]);
/** One layer in so many attends, the others are recurrent. */
const HYBRID_BY_INTERVAL = new Set(["qwen3next", "qwen35", "qwen35moe", "qwen4exp", "minimax-01"]);
const DEFAULT_INTERVAL = 4;
/** Every layer does both. */
const BOTH = new Set(["falcon-h1"]);
/** They read a text whole and keep nothing of it. */
export const CONTEXT_FREE: ReadonlySet<string> = new Set([
  "bert",
  "modern-bert",
  "nomic-bert",
  "nomic-bert-moe",
  "neo-bert",
  "jina-bert-v2",
  "jina-bert-v3",
  "eurobert",
  "gemma-embedding",
  "dream",
  "llada",
  "llada-moe",
  "rnd1",
]);
/** They have no output layer: what they make are vectors. */
export function isForVectors({ architecture }: Pick<Values, "architecture">): boolean {
  return /bert|^gemma-embedding$/.test(architecture);
}

const INDEXED = new Set(["deepseek32", "deepseek4", "glm-dsa", "dots3note", "minimax-m3", "qwen4exp"]);
const OTHER_STATES = new Set(["minimax-01"]);
/** Their layers for drafting ahead have no part in ordinary generation. */
const WITHOUT_DRAFT_LAYERS = new Set(["step35", "hy_v3", "glm-dsa", "mimo2", "deepseek32", ...HYBRID_BY_INTERVAL]);

function attentionOf(values: Values, layerCount: number): ReadonlySet<number> {
  const { architecture } = values;
  const draftLayers = WITHOUT_DRAFT_LAYERS.has(architecture) ? (numberAt(values, "nextn_predict_layers") ?? 0) : 0;
  const last = Math.min(layerCount - draftLayers, ownLayers(values, layerCount));
  if (RECURRENT.has(architecture) || CONTEXT_FREE.has(architecture)) return new Set();
  const layers = Array.from({ length: Math.max(0, last) }, (_, layer) => layer);
  return new Set(layers.filter((it) => BOTH.has(architecture) || !isRecurrent(values, it, layerCount)));
}

/** The last layers of these read what earlier ones keep. */
function ownLayers(values: Values, layerCount: number): number {
  switch (values.architecture) {
    case "gemma3n":
      return 20;
    case "gemma4":
      return layerCount - (numberAt(values, "attention.shared_kv_layers") ?? 0);
    default:
      return layerCount;
  }
}

function isRecurrent(values: Values, layer: number, layerCount: number): boolean {
  const { architecture } = values;
  if (RECURRENT.has(architecture) || BOTH.has(architecture)) return true;
  if (HYBRID_BY_HEADS.has(architecture)) {
    const isDense = architecture.startsWith("nemotron") && numberOfLayer(values, "feed_forward_length", layer) !== 0;
    return numberOfLayer(values, "attention.head_count_kv", layer) === 0 && !isDense;
  }
  if (!HYBRID_BY_INTERVAL.has(architecture)) return false;
  if (layer >= layerCount - (numberAt(values, "nextn_predict_layers") ?? 0)) return false;
  const listed = values.list("attention.recurrent_layers");
  if (listed !== null && listed.length > 1) return listed[layer] === 1;
  return (layer + 1) % (numberAt(values, "full_attention_interval") || DEFAULT_INTERVAL) !== 0;
}

function keptOf(
  values: Values,
  { layer, width, isWindowed }: { layer: number; width: number; isWindowed: boolean },
): { keyElements: number; valueElements: number } {
  const heads = numberOfLayer(values, "attention.head_count", layer) ?? 0;
  const kvHeads = numberOfLayer(values, "attention.head_count_kv", layer) ?? heads;
  // llama.cpp takes the first layer's, whatever the others have.
  const firstHeads = numberAt(values, "attention.head_count") ?? 0;
  const headWidth = firstHeads > 0 ? Math.floor(width / firstHeads) : 0;
  const length = (name: string) =>
    (isWindowed ? numberAt(values, `attention.${name}_swa`) : null) ??
    numberAt(values, `attention.${name}`) ??
    headWidth;
  const keyElements = kvHeads * length("key_length");
  // One compressed vector serves as both.
  return { keyElements, valueElements: values.isLatent ? 0 : kvHeads * length("value_length") };
}

/** llama.cpp keeps them as 32-bit floats: `llama_hparams::n_embd_r` and `n_embd_s`. */
function stateBytesOf(values: Values, width: number): number {
  const number = (key: string) => numberAt(values, key) ?? 0;
  const heads = number("attention.head_count");
  const convolution = number("ssm.conv_kernel");
  const wkv = number("wkv.head_size");
  if (wkv > 0) return 4 * (numberAt(values, "token_shift_count") ?? 2) * width + 4 * width * wkv;
  const shortConvolution = number("shortconv.l_cache");
  if (shortConvolution > 0) return 4 * width * (shortConvolution - 1);
  const delta = number("kda.head_dim");
  if (delta > 0) return 4 * (3 * (convolution > 0 ? convolution - 1 : 3) * heads * delta + delta * delta * heads);
  const [inner, state, groups] = [number("ssm.inner_size"), number("ssm.state_size"), number("ssm.group_count")];
  return 4 * (Math.max(0, convolution - 1) * (inner + 2 * groups * state) + state * inner);
}
