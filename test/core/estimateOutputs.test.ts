import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate } from "../../server/core/estimate.ts";
import { type KnownShape, toKnownModel } from "../../server/core/estimateKnown.ts";
import { DEFAULT_PLAN, type LoadPlan } from "../../server/core/estimatePlan.ts";
import type { EstimatedModel } from "../../server/core/memoryShape.ts";

const MEBIBYTE = 1024 ** 2;
const NONE = { expertsUsed: null };

/** What node-llama-cpp 3.21.1 said that it had reserved on the processor, for 512 tokens a step; the context hardly matters. */
const reserved: readonly { id: string; widths: Omit<KnownShape, "architecture" | "layers">; mebibytes: number }[] = [
  {
    id: "TinyLlama",
    widths: { ...NONE, width: 2_048, heads: 32, kvHeads: 4, headWidth: 64, feedForward: 5_632, vocabulary: 32_000 },
    mebibytes: 70.5,
  },
  {
    id: "Qwen2.5 7B",
    widths: { ...NONE, width: 3_584, heads: 28, kvHeads: 4, headWidth: 128, feedForward: 18_944, vocabulary: 152_064 },
    mebibytes: 311,
  },
  {
    id: "Gemma 3 4B",
    widths: { ...NONE, width: 2_560, heads: 8, kvHeads: 4, headWidth: 256, feedForward: 10_240, vocabulary: 262_144 },
    mebibytes: 522,
  },
];
for (const { id, widths, mebibytes } of reserved)
  test(`an engine that reckons what comes after every token of a step: ${id}`, () => {
    const shape = { architecture: "llama", layers: 4, ...widths };
    const model = toKnownModel({ bytes: 1e9, maxContextTokens: 8_192, shape });
    for (const contextTokens of [512, 8_192]) {
      const compute = computeOf(model, { contextTokens, outputs: "step" });
      assert.ok(Math.abs(compute / MEBIBYTE / mebibytes - 1) < 0.003, `${compute / MEBIBYTE} MiB`);
    }
  });

test("a model for vectors reckons no next token", () => {
  const shape = { architecture: "nomic-bert", layers: 12, ...NONE, width: 768, heads: 12, kvHeads: 12, headWidth: 64 };
  const known = toKnownModel({
    bytes: 1e8,
    maxContextTokens: 2_048,
    shape: { ...shape, feedForward: 3_072, vocabulary: 30_528 },
  });
  const computed = (["slots", "step"] as const).map((outputs) => computeOf(known, { contextTokens: 2_048, outputs }));
  assert.equal(computed[0], computed[1]);
});

function computeOf(model: EstimatedModel, plan: Pick<LoadPlan, "contextTokens" | "outputs">): number {
  const [cpu] = estimate(model, { ...DEFAULT_PLAN, gpus: [], ...plan }).devices;
  assert.ok(cpu);
  return cpu.terms.compute;
}
