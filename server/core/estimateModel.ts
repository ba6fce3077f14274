import { isForVectors, layersOf } from "./estimateLayers.ts";
import type { GgufModel, GgufTensor } from "./ggufFile.ts";
import { numberAt, type Values, valuesOf } from "./ggufValues.ts";
import type { ComputeShape, EstimatedModel } from "./memoryShape.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** More is nothing that llama.cpp loads. */
const MAX_LAYERS = 512;

/** What a GGUF file says about its need of memory, or why it says too little. */
export function toEstimatedModel(file: GgufModel): EstimatedModel | Refusal {
  const architecture = file.values.get("general.architecture");
  if (architecture?.kind !== "text") return unusable("it does not name its architecture");
  const values = valuesOf(file.values, architecture.value);
  const layerCount = numberAt(values, "block_count");
  if (layerCount === null || layerCount < 1 || layerCount > MAX_LAYERS) return unusable("it has no usable block_count");
  const width = numberAt(values, "embedding_length");
  if (width === null || width < 1) return unusable("it has no usable embedding_length");
  const weights = weightsOf(file.tensors, layerCount);
  if (typeof weights === "string") return unusable(weights);
  const embedding = file.tensors.find((it) => it.name === "token_embd.weight");
  const { layers, notes } = layersOf(values, { layerCount, width }, weights.layers);
  return {
    architecture: architecture.value,
    contextTokens: numberAt(values, "context_length"),
    layers,
    inputBytes: weights.inputBytes,
    outputBytes: weights.outputBytes,
    isOutputTied: embedding !== undefined && !file.tensors.some((it) => it.name === "output.weight"),
    embeddingBytes: embedding?.bytes ?? 0,
    compute: computeShape(values, { width, vocabulary: isForVectors(values) ? 0 : (embedding?.dimensions[1] ?? 0) }),
    notes,
  };
}

interface Weights {
  readonly layers: readonly number[];
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** llama.cpp keeps the tables that tokens are looked up in beside the processor; what is neither there nor in a layer comes last. */
const INPUT = /^(token_embd|token_types|position_embd|per_layer_token_embd|token_embd_norm)\b/;

/** Text: why not. */
function weightsOf(tensors: readonly GgufTensor[], layerCount: number): Weights | string {
  const layers = Array.from({ length: layerCount }, () => 0);
  let inputBytes = 0;
  let outputBytes = 0;
  for (const { name, bytes } of tensors) {
    const [, layer] = /^blk\.(\d{1,4})\./.exec(name) ?? [];
    const at = Number(layer);
    if (layer !== undefined) {
      if (at >= layerCount) return `${name} is of a layer that there is not`;
      layers[at] = (layers[at] ?? 0) + bytes;
    } else if (INPUT.test(name)) inputBytes += bytes;
    else outputBytes += bytes;
  }
  return { layers, inputBytes, outputBytes };
}

function computeShape(values: Values, { width, vocabulary }: { width: number; vocabulary: number }): ComputeShape {
  const largest = (key: string) => Math.max(0, ...(values.list(key) ?? []));
  const heads = largest("attention.head_count");
  const kvHeads = values.list("attention.head_count_kv") === null ? heads : largest("attention.head_count_kv");
  const isLatent = values.isLatent;
  const headWidth = heads > 0 ? Math.floor(width / heads) : 0;
  const keyLength = numberAt(values, "attention.key_length") ?? headWidth;
  const queryLength = isLatent ? (numberAt(values, "attention.key_length_mla") ?? keyLength) : keyLength;
  return {
    width,
    queryWidth: heads * queryLength,
    keyWidth: kvHeads * keyLength,
    heads,
    headWidth: keyLength,
    feedForward: largest("feed_forward_length"),
    expertFeedForward: largest("expert_feed_forward_length") || largest("feed_forward_length"),
    expertsUsed: (numberAt(values, "expert_count") ?? 0) > 0 ? largest("expert_used_count") : 0,
    sharedFeedForward: sharedWidth(values),
    latentWidth: isLatent ? keyLength : 0,
    innerWidth: numberAt(values, "ssm.inner_size") ?? 0,
    convolution: numberAt(values, "ssm.conv_kernel") ?? 0,
    vocabulary,
  };
}

function sharedWidth(values: Values): number {
  const given = numberAt(values, "expert_shared_feed_forward_length");
  const count = numberAt(values, "expert_shared_count") ?? 0;
  return given ?? count * (numberAt(values, "expert_feed_forward_length") ?? 0);
}

function unusable(reason: string): Refusal {
  return refuse("bad-input", `The GGUF file says too little: ${reason}`, "Name the GGUF of a language model");
}
