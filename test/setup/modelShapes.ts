import { deepseekLite, gptOss, qwen3moe } from "./mixtureShapes.ts";
import { blocks, ends, F16, F32, f32, metadata, Q4_K, Q6_K, u32 } from "./shapeParts.ts";
import type { ModelShape } from "./sparseModel.ts";

interface Dense {
  readonly name: string;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly feedForward: number;
}

const QWEN_VOCABULARY = 152_064;

/** Grouped queries, biases, an output layer of its own. */
function qwen2(it: Dense): ModelShape {
  const kv = (it.width / it.heads) * it.kvHeads;
  return {
    name: it.name,
    metadata: metadata("qwen2", QWEN_VOCABULARY, 32_768, {
      embedding_length: u32(it.width),
      block_count: u32(it.layers),
      feed_forward_length: u32(it.feedForward),
      "attention.head_count": u32(it.heads),
      "attention.head_count_kv": u32(it.kvHeads),
      "attention.layer_norm_rms_epsilon": f32(1e-6),
    }),
    tensors: [
      ...ends(it.width, QWEN_VOCABULARY, Q6_K),
      ...blocks(it.layers, [
        ["attn_norm.weight", F32, it.width],
        ["attn_q.weight", Q4_K, it.width, it.width],
        ["attn_q.bias", F32, it.width],
        ["attn_k.weight", Q4_K, it.width, kv],
        ["attn_k.bias", F32, kv],
        ["attn_v.weight", Q6_K, it.width, kv],
        ["attn_v.bias", F32, kv],
        ["attn_output.weight", Q4_K, it.width, it.width],
        ["ffn_norm.weight", F32, it.width],
        ["ffn_gate.weight", Q4_K, it.width, it.feedForward],
        ["ffn_up.weight", Q4_K, it.width, it.feedForward],
        ["ffn_down.weight", Q6_K, it.feedForward, it.width],
      ]),
    ],
  };
}

/** Five layers with a window of 1,024 to one without; the output layer is the embedding. */
function gemma3(): ModelShape {
  const [layers, width, heads, kvHeads, head, feedForward, vocabulary] = [34, 2_560, 8, 4, 256, 10_240, 262_144];
  return {
    name: "Gemma 3 4B (sliding window)",
    metadata: metadata("gemma3", vocabulary, 131_072, {
      embedding_length: u32(width),
      block_count: u32(layers),
      feed_forward_length: u32(feedForward),
      "attention.head_count": u32(heads),
      "attention.head_count_kv": u32(kvHeads),
      "attention.key_length": u32(head),
      "attention.value_length": u32(head),
      "attention.sliding_window": u32(1_024),
      "attention.layer_norm_rms_epsilon": f32(1e-6),
    }),
    tensors: [
      ...ends(width, vocabulary, null),
      ...blocks(layers, [
        ["attn_norm.weight", F32, width],
        ["attn_q.weight", Q4_K, width, heads * head],
        ["attn_k.weight", Q4_K, width, kvHeads * head],
        ["attn_v.weight", Q6_K, width, kvHeads * head],
        ["attn_output.weight", Q4_K, heads * head, width],
        ["post_attention_norm.weight", F32, width],
        ["attn_k_norm.weight", F32, head],
        ["attn_q_norm.weight", F32, head],
        ["ffn_norm.weight", F32, width],
        ["ffn_gate.weight", Q4_K, width, feedForward],
        ["ffn_up.weight", Q4_K, width, feedForward],
        ["ffn_down.weight", Q6_K, feedForward, width],
        ["post_ffw_norm.weight", F32, width],
      ]),
    ],
  };
}

/** No attention at all: a state of fixed size per layer. */
function mamba(): ModelShape {
  const [layers, width, inner, state, kernel, rank, vocabulary] = [64, 2_560, 5_120, 16, 4, 160, 50_280];
  return {
    name: "Mamba 2.8B (recurrent)",
    metadata: metadata("mamba", vocabulary, 1_048_576, {
      embedding_length: u32(width),
      block_count: u32(layers),
      feed_forward_length: u32(0),
      "attention.head_count": u32(0),
      "ssm.conv_kernel": u32(kernel),
      "ssm.inner_size": u32(inner),
      "ssm.state_size": u32(state),
      "ssm.time_step_rank": u32(rank),
      "attention.layer_norm_rms_epsilon": f32(1e-5),
    }),
    tensors: [
      ...ends(width, vocabulary, null, F16),
      ...blocks(layers, [
        ["attn_norm.weight", F32, width],
        ["ssm_in.weight", F16, width, 2 * inner],
        ["ssm_conv1d.weight", F32, kernel, inner],
        ["ssm_conv1d.bias", F32, inner],
        ["ssm_x.weight", F16, inner, rank + 2 * state],
        ["ssm_dt.weight", F16, rank, inner],
        ["ssm_dt.bias", F32, inner],
        ["ssm_a", F32, state, inner],
        ["ssm_d", F32, inner],
        ["ssm_out.weight", F16, inner, width],
      ]),
    ],
  };
}

/** Too large a file for every test: `npm run bench:estimate` has it. */
export const qwen32b = qwen2({
  name: "Qwen2.5 32B (grouped queries)",
  layers: 64,
  width: 5_120,
  heads: 40,
  kvHeads: 8,
  feedForward: 27_648,
});

/** The public numbers of real models, one for every way that memory is counted differently. */
export const modelShapes = {
  qwen7b: qwen2({
    name: "Qwen2.5 7B (grouped queries)",
    layers: 28,
    width: 3_584,
    heads: 28,
    kvHeads: 4,
    feedForward: 18_944,
  }),
  gemma3: gemma3(),
  gptOss: gptOss(),
  qwen3moe: qwen3moe(),
  deepseekLite: deepseekLite(),
  mamba: mamba(),
} as const;
