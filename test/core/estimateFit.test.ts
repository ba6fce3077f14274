import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate } from "../../server/core/estimate.ts";
import { tooSmall, type Unfit, waysToFit } from "../../server/core/estimateFit.ts";
import { DEFAULT_PLAN, type LoadPlan } from "../../server/core/estimatePlan.ts";
import type { EstimatedModel } from "../../server/core/memoryShape.ts";

const GIBIBYTE = 1024 ** 3;

/** 32 layers of 128 MiB; a token's keys and values take 128 KiB in all, in f16. */
const model: EstimatedModel = {
  architecture: "llama",
  contextTokens: 131_072,
  layers: Array.from({ length: 32 }, () => ({
    weightBytes: 128 * 1024 ** 2,
    keyElements: 1_024,
    valueElements: 1_024,
    windowTokens: null,
    stateBytes: 0,
  })),
  inputBytes: 0,
  outputBytes: 100 * 1024 ** 2,
  isOutputTied: false,
  embeddingBytes: 0,
  compute: {
    width: 4_096,
    queryWidth: 4_096,
    keyWidth: 1_024,
    heads: 32,
    headWidth: 128,
    feedForward: 11_008,
    expertFeedForward: 0,
    expertsUsed: 0,
    sharedFeedForward: 0,
    latentWidth: 0,
    innerWidth: 0,
    convolution: 0,
    vocabulary: 32_000,
  },
  notes: [],
};
const plan: LoadPlan = { ...DEFAULT_PLAN, contextTokens: 32_768, gpus: [{ id: "gpu:0", share: 1 }] };

const cases: readonly {
  name: string;
  vram: number;
  plan?: Partial<LoadPlan>;
  need?: number;
  want: readonly string[];
}[] = [
  { name: "a little too much: 8-bit keys and values", vram: 8, want: ["kv-type q8_0", "context", "gpu-layers"] },
  {
    name: "without flash attention, that is the first to go",
    vram: 10,
    plan: { flashAttention: "off" },
    want: ["flash-attention", "kv-type q8_0", "context"],
  },
  { name: "more: 4-bit ones", vram: 6.5, want: ["kv-type q4_0", "gpu-layers", "context"] },
  { name: "the weights are nearly all there is room for", vram: 5, want: ["gpu-layers", "context"] },
  { name: "not even the weights", vram: 3, want: ["gpu-layers"] },
  { name: "not even those, but another model", vram: 3, need: 2 * GIBIBYTE, want: ["model smaller", "gpu-layers"] },
  { name: "another model that is too large as well", vram: 3, need: 4 * GIBIBYTE, want: ["gpu-layers"] },
];
for (const it of cases)
  test(it.name, () => {
    const unfit = unfitOn(it.vram * GIBIBYTE, { ...plan, ...it.plan }, it.need ?? null);
    assert.equal(tooSmall(estimate(model, unfit.plan), unfit.room).length, 1);
    const ways = waysToFit(unfit);
    const names = ways.map(({ change }) => {
      if (change.kind === "kv-type") return `kv-type ${change.type}`;
      return change.kind === "model" ? `model ${change.id}` : change.kind;
    });
    assert.deepEqual(names, it.want);
    assert.ok(ways.every((way, index) => way.cost >= (ways[index - 1]?.cost ?? 0)));
  });

test("each way really fits, and one step more of it does not", () => {
  const unfit = unfitOn(7 * GIBIBYTE, plan, null);
  const fits = (changed: Partial<LoadPlan>) =>
    tooSmall(estimate(model, { ...plan, ...changed }), unfit.room).length === 0;
  const [context] = waysToFit(unfit).flatMap(({ change }) => (change.kind === "context" ? [change.contextTokens] : []));
  const [layers] = waysToFit(unfit).flatMap(({ change }) => (change.kind === "gpu-layers" ? [change.gpuLayers] : []));
  assert.ok(context !== undefined && layers !== undefined);
  assert.deepEqual([fits({ contextTokens: context }), fits({ contextTokens: context + 1_024 })], [true, false]);
  assert.deepEqual([fits({ gpuLayers: layers }), fits({ gpuLayers: layers + 1 })], [true, false]);
});

test("layers that leave the GPU must fit into main memory", () => {
  const unfit = unfitOn(3 * GIBIBYTE, plan, null);
  assert.deepEqual(waysToFit({ ...unfit, room: new Map([...unfit.room, ["cpu", GIBIBYTE]]) }), []);
});

test("a device that nothing is known of is not judged", () => {
  assert.deepEqual(tooSmall(estimate(model, plan), new Map()), []);
});

function unfitOn(vramBytes: number, asked: LoadPlan, needBytes: number | null): Unfit {
  const alternatives = needBytes === null ? [] : [{ id: "smaller", needBytes, share: 0.8 }];
  const room = new Map([
    ["gpu:0", vramBytes],
    ["cpu", 64 * GIBIBYTE],
  ]);
  return { model, plan: asked, draft: null, room, alternatives };
}
