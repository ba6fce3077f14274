import assert from "node:assert/strict";
import { test } from "node:test";
import type { HardwareGpu } from "../../server/core/choose.ts";
import { UNPROVEN } from "../../server/core/correction.ts";
import { DEFAULT_PLAN } from "../../server/core/estimatePlan.ts";
import type { EstimatedModel } from "../../server/core/memoryShape.ts";
import { reckonedPlaceable, roughPlaceable } from "../../server/core/placeNeeds.ts";
import { optionsFor } from "../../server/core/placeOptions.ts";
import type { PlacedOption, Wish } from "../../server/core/placeSpread.ts";

const GIB = 1024 ** 3;
const ANY: Wish = { device: "auto", isDeviceGiven: false, gpuLayers: "auto", limitBytes: null };

function card(index: number, gib: number, more: Partial<HardwareGpu> = {}): HardwareGpu {
  return {
    id: `gpu:${index}`,
    uuid: `G${index}`,
    vendor: "nvidia",
    index,
    name: `${gib} GB`,
    vramBytes: gib * GIB,
    ...more,
  };
}

/** Forty layers of so much together, and next to nothing else. */
function model(gib: number): EstimatedModel {
  const layer = { weightBytes: (gib * GIB) / 40, keyElements: 0, valueElements: 0, windowTokens: null, stateBytes: 0 };
  const widths = { width: 1, queryWidth: 1, keyWidth: 1, heads: 1, headWidth: 1, feedForward: 1, expertFeedForward: 0 };
  const none = { expertsUsed: 0, sharedFeedForward: 0, latentWidth: 0, innerWidth: 0, convolution: 0, vocabulary: 1 };
  return {
    architecture: "llama",
    contextTokens: null,
    layers: Array.from({ length: 40 }, () => layer),
    inputBytes: 0,
    outputBytes: 0,
    isOutputTied: false,
    embeddingBytes: 0,
    compute: { ...widths, ...none },
    notes: [],
  };
}

interface Case {
  readonly name: string;
  readonly gib: number;
  readonly gpus: readonly HardwareGpu[];
  readonly wish?: Partial<Wish>;
  readonly kind?: "writer" | "embedder";
  readonly needBytes?: number;
  readonly want: readonly string[];
  readonly why: RegExp;
  readonly device?: string;
}

const cases: readonly Case[] = [
  { name: "no GPU", gib: 4, gpus: [], want: ["cpu"], why: /no GPU that models can be put on/, device: "cpu" },
  {
    name: "one card is left to the engine to find",
    gib: 4,
    gpus: [card(0, 24, { id: "auto" })],
    want: ["G0"],
    why: /on 24 GB/,
    device: "auto",
  },
  {
    name: "of two like cards the wished one first",
    gib: 4,
    gpus: [card(0, 24), card(1, 24)],
    wish: { device: "gpu:1" },
    want: ["G1", "G0"],
    why: /24 GB/,
    device: "gpu:1",
  },
  {
    name: "without a wish the larger first",
    gib: 4,
    gpus: [card(0, 12), card(1, 24)],
    want: ["G1", "G0"],
    why: /24 GB/,
  },
  {
    name: "a wished card that is too small is none",
    gib: 12,
    gpus: [card(0, 12), card(1, 24)],
    wish: { device: "gpu:0" },
    want: ["G1"],
    why: /24 GB/,
  },
  {
    name: "what fits one card is never split",
    gib: 18,
    gpus: [card(0, 24), card(1, 24)],
    want: ["G0", "G1"],
    why: /on 24 GB/,
  },
  {
    name: "what fits none goes over two",
    gib: 30,
    gpus: [card(0, 24), card(1, 24)],
    want: ["G0+G1"],
    why: /over .* no card alone/,
    device: "gpu:0+gpu:1",
  },
  {
    name: "of four like cards two pairs",
    gib: 30,
    gpus: [0, 1, 2, 3].map((it) => card(it, 24)),
    want: ["G0+G1", "G2+G3"],
    why: /over/,
  },
  {
    name: "over four when pairs are too small",
    gib: 70,
    gpus: [0, 1, 2, 3].map((it) => card(it, 24)),
    want: ["G0+G1+G2+G3"],
    why: /over/,
  },
  { name: "unlike cards share by their room", gib: 21, gpus: [card(0, 12), card(1, 24)], want: ["G1+G0"], why: /over/ },
  {
    name: "like cards before unlike ones",
    gib: 37,
    gpus: [card(0, 24), card(1, 40), card(2, 24)],
    want: ["G0+G2", "G1+G0"],
    why: /24 GB \(24 GB\) and 24 GB/,
  },
  {
    name: "cards of two makes never hold one model",
    gib: 30,
    gpus: [card(0, 24), card(1, 24, { vendor: "amd" })],
    want: ["G0+cpu"],
    why: /layers on .*slow/,
  },
  {
    name: "in part where it fits nowhere whole",
    gib: 30,
    gpus: [card(0, 24, { id: "auto" })],
    want: ["G0+cpu"],
    why: /of 41 layers .*slow/,
    device: "auto",
  },
  {
    name: "on the processor where not even a layer fits",
    gib: 30,
    gpus: [card(0, 3)],
    want: ["cpu"],
    why: /no GPU has room/,
  },
  {
    name: "a named card alone is taken",
    gib: 4,
    gpus: [card(0, 24), card(1, 24)],
    wish: { device: "cuda:1", isDeviceGiven: true },
    want: ["G1"],
    why: /24 GB/,
  },
  {
    name: "a named card without room is refused there",
    gib: 30,
    gpus: [card(0, 8), card(1, 80)],
    wish: { device: "G0", isDeviceGiven: true, gpuLayers: "all" },
    want: ["G0"],
    why: /no room there/,
  },
  {
    name: "two named cards share it although one could hold it",
    gib: 4,
    gpus: [card(0, 24), card(1, 24)],
    wish: { device: "gpu:0+gpu:1", isDeviceGiven: true },
    want: ["G0+G1"],
    why: /settings name/,
  },
  {
    name: "a device that nobody has seen is taken at its word",
    gib: 4,
    gpus: [card(0, 24)],
    wish: { device: "vulkan:1", isDeviceGiven: true },
    want: ["vulkan:1"],
    why: /not reckoned/,
    device: "vulkan:1",
  },
  {
    name: "the processor, because it was named",
    gib: 4,
    gpus: [card(0, 24)],
    wish: { device: "cpu", isDeviceGiven: true },
    want: ["cpu"],
    why: /settings say/,
    device: "cpu",
  },
  {
    name: "a number of layers as the user gives it",
    gib: 30,
    gpus: [card(0, 24)],
    wish: { gpuLayers: 10 },
    want: ["G0+cpu"],
    why: /24 GB/,
  },
  {
    name: "no layers are the processor",
    gib: 4,
    gpus: [card(0, 24)],
    wish: { gpuLayers: 0 },
    want: ["cpu"],
    why: /main memory/,
    device: "cpu",
  },
  {
    name: "a limit of the user's",
    gib: 12,
    gpus: [card(0, 24)],
    wish: { limitBytes: 8 * GIB, gpuLayers: "all" },
    want: ["cpu"],
    why: /no GPU has room/,
  },
  {
    name: "the user's own figure instead of the file's",
    gib: 40,
    gpus: [card(0, 24)],
    needBytes: 10 * GIB,
    want: ["G0"],
    why: /as the configuration says/,
  },
  {
    name: "vectors are made on the processor",
    gib: 1,
    gpus: [card(0, 24)],
    kind: "embedder",
    wish: { device: "cpu" },
    want: ["cpu"],
    why: /cheap enough/,
  },
  {
    name: "vectors on a named GPU may still go to the processor",
    gib: 1,
    gpus: [card(0, 24)],
    kind: "embedder",
    wish: { device: "gpu:0", isDeviceGiven: true },
    want: ["G0", "cpu"],
    why: /24 GB/,
  },
];

for (const it of cases)
  test(it.name, () => {
    const options = optionsOf(it);
    assert.deepEqual(
      options.map((option) => option.id),
      it.want,
    );
    assert.match(options[0]?.why ?? "", it.why);
    if (it.device !== undefined) assert.equal(options[0]?.device, it.device);
  });

test("nothing is put where its needs exceed a card's memory less the reserve, and all layers are somewhere", () => {
  for (let gib = 1; gib < 120; gib += 3)
    for (const gpus of [
      [card(0, 8)],
      [card(0, 24), card(1, 24)],
      [card(0, 8), card(1, 24), card(2, 48)],
      [0, 1, 2, 3].map((it) => card(it, 16)),
    ]) {
      const options = optionsOf({ name: "", gib, gpus, want: [], why: /./ });
      assert.equal(new Set(options.map((it) => it.id)).size, options.length);
      for (const { needs } of options) {
        for (const { device, bytes } of needs)
          assert.ok(
            bytes <= (gpus.find((it) => it.uuid === device)?.vramBytes ?? Number.POSITIVE_INFINITY) - 3 * GIB ||
              device === "cpu",
          );
        assert.ok(needs.reduce((sum, it) => sum + it.bytes, 0) >= gib * GIB);
      }
    }
});

test("a file that says nothing is placed whole by its size, and never in part", () => {
  const memory = { gpus: [card(0, 24)], reserveBytes: () => 3 * GIB };
  const place = (gib: number) => optionsFor(roughPlaceable("writer", gib * GIB), ANY, memory).map((it) => it.id);
  assert.deepEqual([place(10), place(30)], [["G0"], ["cpu"]]);
});

function optionsOf({ gib, gpus, wish, kind, needBytes }: Case): readonly PlacedOption[] {
  const placeable = reckonedPlaceable({
    kind: kind ?? "writer",
    model: model(gib),
    plan: (spread) => ({
      ...DEFAULT_PLAN,
      contextTokens: 512,
      gpuLayers: spread.gpuLayers,
      gpus: spread.gpus.map((it) => ({ id: it.gpu.uuid, share: it.share })),
    }),
    draft: null,
    besideBytes: 0,
    needBytes: needBytes ?? null,
    correction: () => UNPROVEN,
    from: "its file",
  });
  return optionsFor(placeable, { ...ANY, ...wish }, { gpus, reserveBytes: () => 3 * GIB });
}
