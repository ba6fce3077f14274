import assert from "node:assert/strict";
import { test } from "node:test";
import { type Advice, adviceFor } from "../../server/core/hardwareAdvice.ts";
import { type Card, nominalGigabytes, type Tier, tierOf } from "../../server/core/hardwareTier.ts";

const MIB = 1024 ** 2;

/** MiB as nvidia-smi tells them, and the size on the box. */
for (const [mebibytes, want] of [
  [2048, 2],
  [6141, 6],
  [8188, 8],
  [8192, 8],
  [10240, 10],
  [11264, 11],
  [12282, 12],
  [15109, 16],
  [16376, 16],
  [20475, 20],
  [23028, 24],
  [24564, 24],
  [32607, 32],
  [40536, 40],
  [46068, 48],
  [81559, 80],
  [143771, 141],
  [4864, 5],
  [9856, 10],
  [19968, 20],
  [7168, 7],
] as const)
  test(`${mebibytes} MiB are ${want} GB`, () => assert.equal(nominalGigabytes(mebibytes * MIB), want));

function card(gigabytes: number, changes: Partial<Card> = {}): Card {
  const name = changes.name ?? `Card of ${gigabytes}`;
  return {
    name,
    vendor: "nvidia",
    totalBytes: gigabytes * 1024 * MIB,
    computeCapability: "8.9",
    isInstance: false,
    ...changes,
  };
}

const tiers: readonly { name: string; cards: readonly Card[]; want: Tier; why?: RegExp }[] = [
  { name: "none", cards: [], want: "CPU_ONLY", why: /no GPU that can be used/ },
  { name: "6 GB", cards: [card(6)], want: "LOW_VRAM" },
  { name: "8188 MiB", cards: [card(8188 / 1024)], want: "CONSUMER" },
  { name: "12 GB", cards: [card(12)], want: "CONSUMER" },
  { name: "16 GB", cards: [card(16)], want: "PROSUMER" },
  { name: "24 GB", cards: [card(24564 / 1024)], want: "PROSUMER" },
  { name: "24 GB with error correction", cards: [card(23028 / 1024)], want: "PROSUMER" },
  { name: "32 GB", cards: [card(32)], want: "DATACENTER" },
  { name: "two alike", cards: [card(24), card(24)], want: "MULTI_GPU", why: /^2 of them make MULTI_GPU/ },
  { name: "two unlike", cards: [card(12), card(24)], want: "MULTI_GPU", why: /not alike, so the larger one drafts/ },
  {
    name: "a card beside integrated graphics",
    cards: [card(2, { vendor: "amd" }), card(24)],
    want: "PROSUMER",
    why: /Card of 2 with 2 GB is left out/,
  },
  { name: "MIG instances", cards: [card(20, { isInstance: true }), card(20, { isInstance: true })], want: "MULTI_GPU" },
  { name: "eight", cards: Array.from({ length: 8 }, () => card(80)), want: "MULTI_GPU" },
];

for (const it of tiers)
  test(`tier: ${it.name} is ${it.want}`, () => {
    const { tier, why } = tierOf(it.cards);
    assert.equal(tier, it.want);
    if (it.why)
      assert.ok(
        why.some((sentence) => it.why?.test(sentence)),
        why.join("\n"),
      );
  });

test("the larger of unlike cards comes first, and only like ones are uniform", () => {
  const unlike = tierOf([card(12), card(24)]);
  assert.deepEqual([unlike.cards.map((it) => it.totalBytes / 1024 / MIB), unlike.isUniform], [[24, 12], false]);
  assert.equal(tierOf([card(24), card(24)]).isUniform, true);
  assert.equal(tierOf([card(24), card(24, { computeCapability: "8.6" })]).isUniform, false);
});

interface AdviceCase {
  readonly name: string;
  readonly cards: readonly Card[];
  readonly platform?: string;
  readonly hasVllm?: boolean;
  readonly want: Partial<Advice>;
  readonly why?: RegExp;
}

const advices: readonly AdviceCase[] = [
  {
    name: "no GPU",
    cards: [],
    want: {
      backend: "llama.cpp",
      quantisation: "Q4_K_M",
      maxBatch: 1,
      maxContextTokens: 2_048,
      gpuLayers: "none",
      layout: "processor",
    },
  },
  {
    name: "6 GB",
    cards: [card(6)],
    want: {
      backend: "llama.cpp",
      quantisation: "Q4_K_M",
      maxContextTokens: 4_096,
      gpuLayers: 20,
      hasFlashAttention: true,
    },
  },
  {
    name: "8 GB",
    cards: [card(8)],
    want: { backend: "vLLM", quantisation: "AWQ", maxBatch: 8, maxContextTokens: 8_192, memoryPercent: 90 },
  },
  {
    name: "24 GB",
    cards: [card(24)],
    want: { backend: "vLLM", quantisation: "FP16", maxBatch: 32, maxContextTokens: 16_384 },
  },
  {
    name: "16 GB, which hold no 7B model in 16 bits",
    cards: [card(16)],
    want: {
      backend: "vLLM",
      quantisation: "AWQ",
      maxBatch: 32,
      models: ["mistral-7b-instruct-v0.3-awq", "starcoder2-7b-awq"],
    },
    why: /AWQ instead of FP16: .*takes 16\.5 GB.*is 15\.5 GB/,
  },
  {
    name: "80 GB of Hopper",
    cards: [card(80, { computeCapability: "9.0" })],
    want: { quantisation: "BF16", maxBatch: 128, maxContextTokens: 32_768, memoryPercent: 95 },
    why: /FP8 is an alternative/,
  },
  {
    name: "32 GB of a card before BF16",
    cards: [card(32, { computeCapability: "7.5" })],
    want: { backend: "vLLM", quantisation: "FP16" },
    why: /FP16 instead of BF16/,
  },
  {
    name: "32 GB of Volta, which vLLM has given up",
    cards: [card(32, { computeCapability: "7.0" })],
    want: { backend: "llama.cpp", quantisation: "Q4_K_M", memoryPercent: null },
    why: /needs compute capability 7.5, and this card has 7.0/,
  },
  {
    name: "Pascal",
    cards: [card(11, { computeCapability: "6.1" })],
    want: { backend: "llama.cpp", hasFlashAttention: false, maxContextTokens: 8_192, gpuLayers: "all" },
  },
  {
    name: "without vLLM",
    cards: [card(24)],
    hasVllm: false,
    want: {
      backend: "llama.cpp",
      maxBatch: 1,
      models: ["mistral-7b-instruct-v0.3.Q4_K_M.gguf", "starcoder2-7b.Q4_K_M.gguf"],
    },
    why: /vLLM is not installed/,
  },
  { name: "Windows", cards: [card(24)], platform: "win32", want: { backend: "llama.cpp" }, why: /inside WSL/ },
  {
    name: "AMD",
    cards: [card(24, { vendor: "amd", computeCapability: null })],
    want: { backend: "llama.cpp", hasFlashAttention: true },
    why: /NVIDIA's cards only/,
  },
  {
    name: "two alike",
    cards: [card(24), card(24)],
    want: { layout: "one model per card", quantisation: "FP16", maxContextTokens: 16_384 },
    why: /split among the cards only when it fits on none/,
  },
  {
    name: "two MIG instances",
    cards: [card(20, { isInstance: true }), card(20, { isInstance: true })],
    want: { layout: "one model per card" },
    why: /one MIG instance only/,
  },
];

for (const it of advices)
  test(`advice: ${it.name}`, () => {
    const { cards, platform = "linux", hasVllm = true } = it;
    const advice = adviceFor({ tiering: tierOf(cards), platform, hasVllm });
    const names = Object.keys(it.want) as (keyof Advice)[];
    assert.deepEqual(Object.fromEntries(names.map((name) => [name, advice[name]])), it.want);
    assert.ok(advice.why.length > 0 && advice.models.length > 0);
    if (it.why)
      assert.ok(
        advice.why.some((sentence) => it.why?.test(sentence)),
        advice.why.join("\n"),
      );
  });
