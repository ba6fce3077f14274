import { type Block, blocks, ends, F32, f32, MXFP4, metadata, Q4_K, Q6_K, Q8_0, u32 } from "./shapeParts.ts";
import type { ModelShape } from "./sparseModel.ts";

/** Every other layer has a window of 128; a mixture of 32 experts. */
export function gptOss(): ModelShape {
  const [layers, width, heads, kvHeads, head, expert, experts, vocabulary] = [24, 2_880, 64, 8, 64, 2_880, 32, 201_088];
  return {
    name: "gpt-oss 20B (sliding window, mixture)",
    metadata: metadata("gpt-oss", vocabulary, 131_072, {
      embedding_length: u32(width),
      block_count: u32(layers),
      feed_forward_length: u32(expert),
      expert_feed_forward_length: u32(expert),
      expert_count: u32(experts),
      expert_used_count: u32(4),
      "attention.head_count": u32(heads),
      "attention.head_count_kv": u32(kvHeads),
      "attention.key_length": u32(head),
      "attention.value_length": u32(head),
      "attention.sliding_window": u32(128),
      "attention.layer_norm_rms_epsilon": f32(1e-5),
    }),
    tensors: [
      ...ends(width, vocabulary, Q8_0, Q8_0),
      ...blocks(layers, [
        ["attn_norm.weight", F32, width],
        ["post_attention_norm.weight", F32, width],
        ["attn_q.weight", Q8_0, width, heads * head],
        ["attn_q.bias", F32, heads * head],
        ["attn_k.weight", Q8_0, width, kvHeads * head],
        ["attn_k.bias", F32, kvHeads * head],
        ["attn_v.weight", Q8_0, width, kvHeads * head],
        ["attn_v.bias", F32, kvHeads * head],
        ["attn_output.weight", Q8_0, heads * head, width],
        ["attn_output.bias", F32, width],
        ["attn_sinks.weight", F32, heads],
        ["ffn_gate_inp.weight", F32, width, experts],
        ["ffn_gate_inp.bias", F32, experts],
        ["ffn_gate_exps.weight", MXFP4, width, expert, experts],
        ["ffn_gate_exps.bias", F32, expert, experts],
        ["ffn_up_exps.weight", MXFP4, width, expert, experts],
        ["ffn_up_exps.bias", F32, expert, experts],
        ["ffn_down_exps.weight", MXFP4, expert, width, experts],
        ["ffn_down_exps.bias", F32, width, experts],
      ]),
    ],
  };
}

/** A mixture of 128 experts, eight at a time; heads wider than the model divided by their number. */
export function qwen3moe(): ModelShape {
  const [layers, width, heads, kvHeads, head, expert, experts] = [48, 2_048, 32, 4, 128, 768, 128];
  return {
    name: "Qwen3 30B-A3B (mixture)",
    metadata: metadata("qwen3moe", 151_936, 40_960, {
      embedding_length: u32(width),
      block_count: u32(layers),
      feed_forward_length: u32(6_144),
      expert_feed_forward_length: u32(expert),
      expert_count: u32(experts),
      expert_used_count: u32(8),
      "attention.head_count": u32(heads),
      "attention.head_count_kv": u32(kvHeads),
      "attention.key_length": u32(head),
      "attention.value_length": u32(head),
      "attention.layer_norm_rms_epsilon": f32(1e-6),
    }),
    tensors: [
      ...ends(width, 151_936, Q6_K),
      ...blocks(layers, [
        ["attn_norm.weight", F32, width],
        ["attn_q.weight", Q4_K, width, heads * head],
        ["attn_k.weight", Q4_K, width, kvHeads * head],
        ["attn_v.weight", Q6_K, width, kvHeads * head],
        ["attn_output.weight", Q4_K, heads * head, width],
        ["attn_k_norm.weight", F32, head],
        ["attn_q_norm.weight", F32, head],
        ["ffn_norm.weight", F32, width],
        ["ffn_gate_inp.weight", F32, width, experts],
        ["ffn_gate_exps.weight", Q4_K, width, expert, experts],
        ["ffn_up_exps.weight", Q4_K, width, expert, experts],
        ["ffn_down_exps.weight", Q6_K, expert, width, experts],
      ]),
    ],
  };
}

/** Keys and values as one compressed vector of 512 + 64 (MLA), a dense layer before a mixture of 64 experts. */
export function deepseekLite(): ModelShape {
  const [layers, width, heads, expert, experts, vocabulary] = [27, 2_048, 16, 1_408, 64, 102_400];
  const [latent, rope, nope, value] = [512, 64, 128, 128];
  const attention: readonly Block[] = [
    ["attn_norm.weight", F32, width],
    ["attn_q.weight", Q8_0, width, heads * (nope + rope)],
    ["attn_kv_a_mqa.weight", Q8_0, width, latent + rope],
    ["attn_kv_a_norm.weight", F32, latent],
    ["attn_k_b.weight", Q8_0, nope, latent, heads],
    ["attn_v_b.weight", Q8_0, latent, value, heads],
    ["attn_output.weight", Q8_0, heads * value, width],
    ["ffn_norm.weight", F32, width],
  ];
  const dense: readonly Block[] = [
    ["ffn_gate.weight", Q8_0, width, 10_944],
    ["ffn_up.weight", Q8_0, width, 10_944],
    ["ffn_down.weight", Q8_0, 10_944, width],
  ];
  const mixture: readonly Block[] = [
    ["ffn_gate_inp.weight", F32, width, experts],
    ["ffn_gate_exps.weight", Q8_0, width, expert, experts],
    ["ffn_up_exps.weight", Q8_0, width, expert, experts],
    ["ffn_down_exps.weight", Q8_0, expert, width, experts],
    ["ffn_gate_shexp.weight", Q8_0, width, 2 * expert],
    ["ffn_up_shexp.weight", Q8_0, width, 2 * expert],
    ["ffn_down_shexp.weight", Q8_0, 2 * expert, width],
  ];
  return {
    name: "DeepSeek-V2-Lite (MLA, mixture)",
    metadata: metadata("deepseek2", vocabulary, 163_840, {
      embedding_length: u32(width),
      block_count: u32(layers),
      feed_forward_length: u32(10_944),
      leading_dense_block_count: u32(1),
      expert_feed_forward_length: u32(expert),
      expert_count: u32(experts),
      expert_used_count: u32(6),
      expert_shared_count: u32(2),
      "attention.head_count": u32(heads),
      "attention.head_count_kv": u32(1),
      "attention.kv_lora_rank": u32(latent),
      "attention.key_length": u32(latent + rope),
      "attention.value_length": u32(latent),
      "attention.key_length_mla": u32(nope + rope),
      "attention.value_length_mla": u32(value),
      "attention.layer_norm_rms_epsilon": f32(1e-6),
      "rope.dimension_count": u32(rope),
    }),
    tensors: [
      ...ends(width, vocabulary, Q8_0, Q8_0),
      ...blocks(1, [...attention, ...dense]),
      ...blocks(layers, [...attention, ...mixture], 1),
    ],
  };
}
