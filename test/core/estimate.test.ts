import assert from "node:assert/strict";
import { test } from "node:test";
import { DRIVER_BYTES, estimate } from "../../server/core/estimate.ts";
import { toEstimatedModel } from "../../server/core/estimateModel.ts";
import { DEFAULT_PLAN, type LoadPlan } from "../../server/core/estimatePlan.ts";
import type { GgufModel, GgufValue } from "../../server/core/ggufFile.ts";
import type { EstimatedModel } from "../../server/core/memoryShape.ts";

const MEBIBYTE = 1024 ** 2;

/** Four layers of 1,000 bytes, four heads, two of them for keys and values, each of 64; the embedding serves as output. */
const small = {
  "general.architecture": "llama",
  "llama.block_count": 4,
  "llama.embedding_length": 256,
  "llama.feed_forward_length": 1_024,
  "llama.attention.head_count": 4,
  "llama.attention.head_count_kv": 2,
};

test("the published case: Mistral Small 22B, 49,152 tokens of q8_0 take 5,712.0 MiB", () => {
  const model = read({
    ...small,
    "llama.block_count": 56,
    "llama.embedding_length": 6_144,
    "llama.attention.head_count": 48,
    "llama.attention.head_count_kv": 8,
    "llama.attention.key_length": 128,
    "llama.attention.value_length": 128,
  });
  const { keys, values } = onCpu(model, { contextTokens: 49_152, keyType: "q8_0", valueType: "q8_0" });
  assert.equal((keys + values) / MEBIBYTE, 5_712);
});

const kept: readonly {
  name: string;
  values: Record<string, Value>;
  plan?: Partial<LoadPlan>;
  want: [number, number];
}[] = [
  { name: "two heads of 64", values: small, want: [4 * 1_024 * 256, 4 * 1_024 * 256] },
  {
    name: "the context is rounded up to 256",
    values: small,
    plan: { contextTokens: 1 },
    want: [4 * 256 * 256, 4 * 256 * 256],
  },
  {
    name: "every slot has its share, rounded by itself",
    values: small,
    plan: { slots: 3 },
    want: [4 * 3 * 512 * 256, 4 * 3 * 512 * 256],
  },
  {
    name: "keys and values of unlike types",
    values: small,
    plan: { keyType: "q8_0", valueType: "q4_0" },
    want: [4 * 1_024 * 136, 4 * 1_024 * 72],
  },
  {
    name: "heads of another size than the width says",
    values: { ...small, "llama.attention.key_length": 128, "llama.attention.value_length": 32 },
    want: [4 * 1_024 * 512, 4 * 1_024 * 128],
  },
  {
    name: "a number of heads for every layer",
    values: { ...small, "llama.attention.head_count_kv": [4, 1, 0, 1] },
    want: [6 * 1_024 * 128, 6 * 1_024 * 128],
  },
  {
    name: "without flash attention the values of all layers are as long as the longest",
    values: { ...small, "llama.attention.head_count_kv": [4, 1, 1, 2] },
    plan: { flashAttention: "off" },
    want: [8 * 1_024 * 128, 16 * 1_024 * 128],
  },
  {
    name: "compressed keys and values are one",
    values: {
      ...renamed("deepseek2"),
      "deepseek2.attention.head_count_kv": 1,
      "deepseek2.attention.key_length": 576,
      "deepseek2.attention.value_length": 512,
      "deepseek2.attention.key_length_mla": 192,
      "deepseek2.attention.value_length_mla": 128,
    },
    want: [4 * 1_024 * 1_152, 0],
  },
  {
    name: "a window, by the architecture's own pattern: two layers of four",
    values: { ...renamed("gpt-oss"), "gpt-oss.attention.sliding_window": 128 },
    plan: { contextTokens: 8_192 },
    want: [2 * (8_192 + 768) * 256, 2 * (8_192 + 768) * 256],
  },
  {
    name: "a window, by the file's own pattern",
    values: {
      ...renamed("gpt-oss"),
      "gpt-oss.attention.sliding_window": 128,
      "gpt-oss.attention.sliding_window_pattern": [1, 1, 1, 0],
    },
    plan: { contextTokens: 8_192 },
    want: [(8_192 + 3 * 768) * 256, (8_192 + 3 * 768) * 256],
  },
  {
    name: "a window that llama.cpp does not heed",
    values: { ...small, "llama.attention.sliding_window": 128 },
    want: [4 * 1_024 * 256, 4 * 1_024 * 256],
  },
  {
    name: "layers that read what earlier ones keep",
    values: { ...renamed("gemma4"), "gemma4.attention.shared_kv_layers": 3 },
    want: [1_024 * 256, 1_024 * 256],
  },
  { name: "a model that reads a text whole keeps nothing", values: renamed("nomic-bert"), want: [0, 0] },
];
for (const { name, values, plan, want } of kept)
  test(`keys and values: ${name}`, () => {
    const terms = onCpu(read(values), { contextTokens: 1_024, ...plan });
    assert.deepEqual([terms.keys, terms.values], want);
  });

const states: readonly { name: string; values: Record<string, Value>; want: number }[] = [
  {
    name: "Mamba",
    values: {
      ...renamed("mamba"),
      "mamba.ssm.conv_kernel": 4,
      "mamba.ssm.inner_size": 512,
      "mamba.ssm.state_size": 16,
    },
    want: 4 * 4 * (3 * 512 + 16 * 512),
  },
  {
    name: "a hybrid: every fourth layer attends",
    values: {
      ...renamed("qwen3next"),
      "qwen3next.ssm.conv_kernel": 4,
      "qwen3next.ssm.inner_size": 512,
      "qwen3next.ssm.state_size": 128,
      "qwen3next.ssm.group_count": 2,
    },
    want: 3 * 4 * (3 * (512 + 2 * 2 * 128) + 128 * 512),
  },
  {
    name: "short convolutions where a layer has no keys",
    values: { ...renamed("lfm2"), "lfm2.attention.head_count_kv": [0, 2, 0, 2], "lfm2.shortconv.l_cache": 3 },
    want: 2 * 4 * 256 * 2,
  },
];
for (const { name, values, want } of states)
  test(`recurrent state: ${name}`, () => {
    assert.equal(onCpu(read(values), { contextTokens: 1_024 }).state, want);
    assert.equal(onCpu(read(values), { contextTokens: 1_048_576 }).state, want);
  });

test("all on one GPU: the embedding stays in main memory, and its copy is the output layer", () => {
  const [gpu, cpu] = estimate(read(small), planOf({ gpus: [{ id: "gpu:0", share: 1 }] })).devices;
  assert.ok(gpu && cpu);
  assert.deepEqual([gpu.layers, gpu.terms.weights, gpu.terms.output, gpu.terms.input], [4, 4_000, 500 + 10_000, 0]);
  assert.deepEqual([cpu.layers, cpu.terms.weights, cpu.terms.output, cpu.terms.input], [0, 0, 0, 10_000]);
  assert.deepEqual([gpu.terms.driver, cpu.terms.driver], [DRIVER_BYTES, 0]);
  assert.ok(gpu.terms.keys > 0 && cpu.terms.keys === 0 && cpu.terms.logits > 0);
});

const splits: readonly { name: string; plan: Partial<LoadPlan>; want: readonly number[] }[] = [
  { name: "the last layers go first, the output layer before them", plan: { gpuLayers: 3 }, want: [2, 0, 2] },
  { name: "none", plan: { gpuLayers: 0 }, want: [0, 0, 4] },
  { name: "more than there are", plan: { gpuLayers: 99, gpus: gpus(1, 1) }, want: [3, 1, 0] },
  { name: "by share", plan: { gpus: gpus(1, 4) }, want: [1, 3, 0] },
  { name: "a share of nothing", plan: { gpus: gpus(0, 1) }, want: [0, 4, 0] },
];
for (const { name, plan, want } of splits)
  test(`layers on two GPUs and in main memory: ${name}`, () => {
    const { devices } = estimate(read(small), planOf({ gpus: gpus(1, 0), ...plan }));
    assert.deepEqual(
      devices.map((it) => it.layers),
      want,
    );
    assert.equal(
      devices.reduce((sum, it) => sum + it.terms.weights, 0),
      4_000,
    );
  });

test("a GPU without a layer needs no buffer for computing", () => {
  const [, second] = estimate(read(small), planOf({ gpus: gpus(1, 0) })).devices;
  assert.equal(second?.terms.compute, 0);
});

test("a draft model adds all that it takes, but no second driver context", () => {
  const model = read(small);
  const plan = planOf({ gpus: gpus(1) });
  const alone = estimate(model, plan);
  const both = estimate(model, plan, model);
  assert.equal(both.totalBytes, 2 * alone.totalBytes - DRIVER_BYTES);
});

test("without flash attention the scores of all heads are there at once", () => {
  const at = (flashAttention: "on" | "off", contextTokens: number) =>
    onCpu(read(small), { contextTokens, flashAttention }).compute;
  const grown = at("off", 65_536) - at("off", 32_768);
  // Scores of four heads and the mask, in floats; with flash attention the mask alone, in halves.
  assert.equal(grown, 32_768 * 512 * 4 * (4 + 1));
  assert.equal(at("on", 65_536) - at("on", 32_768), 32_768 * 512 * 2);
});

const refused: readonly { name: string; values: Record<string, Value> }[] = [
  { name: "no architecture", values: { "llama.block_count": 4 } },
  { name: "no layers", values: { ...small, "llama.block_count": 0 } },
  { name: "more layers than any", values: { ...small, "llama.block_count": 4_000_000_000 } },
  { name: "half a layer", values: { ...small, "llama.block_count": 4.5 } },
  { name: "no width", values: { ...small, "llama.embedding_length": -1 } },
  { name: "tensors of layers that there are not", values: { ...small, "llama.block_count": 3 } },
];
for (const { name, values } of refused)
  test(`refused: ${name}`, () => {
    const model = toEstimatedModel(fileOf(values));
    assert.ok("kind" in model && model.kind === "refused");
  });

type Value = number | string | readonly number[];

function fileOf(values: Record<string, Value>, blocks = 4): GgufModel {
  const layers = Array.from({ length: blocks }, (_, layer) => tensor(`blk.${layer}.ffn_up.weight`, 1_000));
  return {
    values: new Map(Object.entries(values).map(([key, value]) => [key, toValue(value)])),
    tensors: [
      { ...tensor("token_embd.weight", 10_000), dimensions: [256, 5_000] },
      tensor("output_norm.weight", 500),
      ...layers,
    ],
    fileBytes: 20_000,
  };
}

function tensor(name: string, bytes: number): GgufModel["tensors"][number] {
  return { name, bytes, type: "q4_K", dimensions: [256] };
}

function toValue(value: Value): GgufValue {
  if (typeof value === "number") return { kind: "number", value };
  return typeof value === "string" ? { kind: "text", value } : { kind: "numbers", value };
}

function read(values: Record<string, Value>): EstimatedModel {
  const blocks = values[`${String(values["general.architecture"])}.block_count`];
  const model = toEstimatedModel(fileOf(values, Number(blocks)));
  assert.ok(!("kind" in model));
  return model;
}

/** The small model of another architecture. */
function renamed(architecture: string): Record<string, Value> {
  const entries = Object.entries(small).map(([key, value]) => [key.replace("llama.", `${architecture}.`), value]);
  return { ...Object.fromEntries(entries), "general.architecture": architecture };
}

function planOf(plan: Partial<LoadPlan>): LoadPlan {
  return { ...DEFAULT_PLAN, contextTokens: 1_024, gpus: [], ...plan };
}

function onCpu(model: EstimatedModel, plan: Partial<LoadPlan>) {
  const terms = estimate(model, planOf(plan)).devices[0]?.terms;
  assert.ok(terms);
  return terms;
}

function gpus(...shares: number[]): LoadPlan["gpus"] {
  return shares.map((share, index) => ({ id: `gpu:${index}`, share }));
}
