import assert from "node:assert/strict";
import { test } from "node:test";
import type { HardwareGpu } from "../../server/core/choose.ts";
import { optionsFor } from "../../server/core/placeOptions.ts";
import type { Placeable, Wish } from "../../server/core/placeSpread.ts";
import { card, devices, GB, loaded, model, play, want } from "./govern/scene.ts";

const ANY: Wish = { device: "auto", isDeviceGiven: false, gpuLayers: "auto", limitBytes: null };
const metal: HardwareGpu = {
  ...{ id: "metal", uuid: "g0", vendor: "apple", index: 0, name: "Apple M2", vramBytes: 10 * GB },
};

/** So much on a GPU and half a GB of buffers beside it, or all of it in main memory. */
function placed(gb: number, gpu: HardwareGpu) {
  const half = GB / 2;
  const placeable: Placeable = {
    ...{ kind: "embedder", layers: null, origin: () => "as told" },
    needs: ({ gpus }) => {
      const main = { device: "cpu", bytes: gpus.length > 0 ? half : gb * GB + half };
      return [...gpus.map((it) => ({ device: it.gpu.uuid, bytes: gb * GB })), main];
    },
  };
  return optionsFor(placeable, ANY, { gpus: [gpu], reserveBytes: () => 2 * GB });
}

const needs = (gpu: HardwareGpu) =>
  placed(4, gpu).map((it) => Object.fromEntries(it.needs.map(({ device, bytes }) => [device, bytes / GB])));

test("what Apple's GPU holds is taken of main memory too, and what is in main memory only of that", () => {
  assert.deepEqual(needs(metal), [{ g0: 4, cpu: 4.5 }, { cpu: 4.5 }]);
  assert.deepEqual(needs({ ...metal, vendor: "nvidia" }), [{ g0: 4, cpu: 0.5 }, { cpu: 4.5 }]);
});

/** 17 GB, of which the GPU may use 10: 7 GB on it and 8 in main memory are more than the 15 that there are for models. */
for (const [vendor, then] of [
  ["apple", []],
  ["nvidia", ["load b cpu"]],
] as const)
  test(`a model in main memory beside one on the GPU: ${vendor}`, () => {
    const [onGpu] = placed(7, { ...metal, vendor });
    const untold = { usedBytes: null, reserveBytes: 2 * GB };
    const { got } = play([
      [
        0,
        devices(card("g0", 0, { ...untold, totalBytes: 10 * GB }), card("cpu", 0, { ...untold, totalBytes: 17 * GB })),
      ],
      [0, want("r1", model("a", 7, { options: onGpu ? [onGpu] : [] })), "load a g0"],
      [5, loaded("a")],
      [6, want("r2", model("b", 8, { on: ["cpu"] }))],
    ]);
    assert.deepEqual(got.at(-1), then);
  });
