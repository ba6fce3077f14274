import assert from "node:assert/strict";
import { test } from "node:test";
import type { HardwareGpu } from "../../server/core/choose.ts";
import { estimateVllm, type VllmModel, type VllmPlan } from "../../server/core/estimateVllm.ts";
import { type VllmWish, vllmOptions } from "../../server/core/placeVllm.ts";

const GIB = 1024 ** 3;

/** Llama 3.1 8B's published widths, in 16 bits. */
const llama8b: VllmModel = {
  weightBytes: 16_060_522_496,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  headWidth: 128,
  latentWidth: null,
  elementBytes: 2,
  maxContextTokens: 131_072,
};
/** DeepSeek-V2-Lite's: 512 compressed and 64 rotated elements a token and layer. */
const latent: VllmModel = { ...llama8b, layers: 27, heads: 16, kvHeads: 16, latentWidth: 576 };
const plan: VllmPlan = {
  contextTokens: 8_192,
  ranks: 1,
  totalBytes: 80 * GIB,
  reserveBytes: 3 * GIB,
  memoryShare: null,
};

const keysAndValues: readonly { name: string; model: VllmModel; ranks: number; want: number }[] = [
  { name: "grouped queries: 128 KiB a token", model: llama8b, ranks: 1, want: 8_192 * 131_072 },
  { name: "two cards share the heads", model: llama8b, ranks: 2, want: 8_192 * 65_536 },
  {
    name: "every card has a head at least",
    model: { ...llama8b, kvHeads: 2 },
    ranks: 4,
    want: 8_192 * 32 * 2 * 128 * 2,
  },
  { name: "a compressed vector is on every card whole", model: latent, ranks: 2, want: 8_192 * 27 * 576 * 2 },
];
for (const { name, model, ranks, want } of keysAndValues)
  test(`keys and values: ${name}`, () => {
    const found = estimateVllm(model, { ...plan, ranks });
    assert.ok(typeof found !== "string");
    assert.equal(found.keysAndValues, want);
  });

test("the least share that holds weights, a fifth more and one request of the full context", () => {
  const found = estimateVllm(llama8b, plan);
  assert.ok(typeof found !== "string");
  const { weights, activations, footprint, totalBytes, memoryShare, claimBytes, cacheTokens } = found;
  assert.equal(weights + activations + footprint + found.keysAndValues, totalBytes);
  assert.equal(memoryShare, 0.26);
  assert.ok(claimBytes >= totalBytes && claimBytes - totalBytes < 0.01 * plan.totalBytes);
  assert.ok(cacheTokens >= 8_192);
});

const refusals: readonly { name: string; model?: VllmModel; plan: Partial<VllmPlan>; why: RegExp }[] = [
  { name: "a share that leaves no reserve", plan: { totalBytes: 24 * GIB, memoryShare: 0.9 }, why: /90 % .*87 %/ },
  { name: "a share that is too little", plan: { memoryShare: 0.2 }, why: /20 % .*26 %/ },
  { name: "a card that is too small", plan: { totalBytes: 16 * GIB }, why: /81 % can be given/ },
  { name: "heads that cannot be shared", plan: { ranks: 3 }, why: /32 attention heads .* 3 cards/ },
  { name: "more context than it was made for", plan: { contextTokens: 200_000 }, why: /131072/ },
];
for (const it of refusals)
  test(`refused: ${it.name}`, () => {
    const found = estimateVllm(it.model ?? llama8b, { ...plan, ...it.plan });
    assert.ok(typeof found === "string");
    assert.match(found, it.why);
  });

function card(index: number, gib: number, more: Partial<HardwareGpu> = {}): HardwareGpu {
  const name = `${gib} GB card`;
  return { id: `gpu:${index}`, uuid: `G${index}`, vendor: "nvidia", index, name, vramBytes: gib * GIB, ...more };
}

const WISH: VllmWish = { model: llama8b, device: "auto", contextTokens: 8_192, memoryShare: null, limitBytes: null };
const placings: readonly {
  name: string;
  gpus: readonly HardwareGpu[];
  wish?: Partial<VllmWish>;
  want: readonly string[] | RegExp;
}[] = [
  { name: "one card, never two where one will do", gpus: [card(0, 24), card(1, 24)], want: ["G0", "G1"] },
  { name: "tensor parallel where none holds it alone", gpus: [card(0, 16), card(1, 16)], want: ["G0+G1"] },
  { name: "four where two do not", gpus: [0, 1, 2, 3].map((it) => card(it, 10)), want: ["G0+G1+G2+G3"] },
  { name: "never over unlike cards", gpus: [card(0, 16), card(1, 12)], want: /cannot hold the model/ },
  { name: "named cards together", gpus: [card(0, 80), card(1, 80)], wish: { device: "G0+gpu:1" }, want: ["G0+G1"] },
  { name: "a card that there is not", gpus: [card(0, 80)], wish: { device: "gpu:3" }, want: /no NVIDIA card "gpu:3"/ },
  { name: "no card", gpus: [], want: /needs an NVIDIA card/ },
  { name: "an AMD card is none", gpus: [card(0, 80, { vendor: "amd" })], want: /needs an NVIDIA card/ },
  { name: "nothing known of it", gpus: [card(0, 24)], wish: { model: null }, want: ["G0"] },
  { name: "a limit of the user's", gpus: [card(0, 80)], wish: { limitBytes: 10 * GIB }, want: /cannot hold/ },
];
for (const it of placings)
  test(`vLLM is put: ${it.name}`, () => {
    const found = vllmOptions({ ...WISH, ...it.wish }, { gpus: it.gpus, reserveBytes: () => 3 * GIB });
    if (it.want instanceof RegExp) {
      assert.ok("kind" in found);
      assert.match(found.message, it.want);
      return;
    }
    assert.ok(!("kind" in found));
    assert.deepEqual(
      found.map((option) => option.id),
      it.want,
    );
    for (const { needs, memoryShare, cards } of found)
      for (const { bytes, device } of needs) {
        const vramBytes = cards.find((card) => card.uuid === device)?.vramBytes ?? 0;
        assert.ok(bytes <= vramBytes - 3 * GIB && Math.abs(bytes / vramBytes - memoryShare) < 1e-6);
      }
  });
