import assert from "node:assert/strict";
import { test } from "node:test";
import { pinFor } from "../../server/backends/pin.ts";
import type { LocalSpec } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";

type Cards = LocalSpec["cards"];

const nvidia = { uuid: "GPU-aaaa", vendor: "nvidia", index: 0, share: 1 } as const;
const second = { uuid: "GPU-bbbb", vendor: "nvidia", index: 3, share: 1 } as const;
const instance = { uuid: "MIG-cccc", vendor: "nvidia", index: 0, share: 1 } as const;
const amd = { uuid: "0x1234", vendor: "amd", index: 1, share: 1 } as const;
const apple = { uuid: "apple", vendor: "apple", index: 0, share: 1 } as const;

const HIDDEN = { HIP_VISIBLE_DEVICES: "-1", ROCR_VISIBLE_DEVICES: "-1" };
const NO_CUDA = { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: "-1" };
const cuda = (visible: string) => ({ CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: visible, ...HIDDEN });

const cases: readonly { name: string; device: string; cards: Cards; gpu: string; env: Record<string, string> }[] = [
  {
    name: "an NVIDIA card by its UUID, the other makes hidden",
    device: "auto",
    cards: [nvidia],
    gpu: "auto",
    env: { ...cuda("GPU-aaaa"), GGML_VK_VISIBLE_DEVICES: "0" },
  },
  {
    name: "two cards in the order given",
    device: "cuda:0",
    cards: [second, nvidia],
    gpu: "cuda",
    env: { ...cuda("GPU-bbbb,GPU-aaaa"), GGML_VK_VISIBLE_DEVICES: "3,0" },
  },
  {
    name: "an instance of a partitioned card",
    device: "gpu:0",
    cards: [instance],
    gpu: "auto",
    env: { ...cuda("MIG-cccc"), GGML_VK_VISIBLE_DEVICES: "0" },
  },
  {
    name: "an NVIDIA card by Vulkan: CUDA sees nothing",
    device: "vulkan:3",
    cards: [second],
    gpu: "vulkan",
    env: { ...NO_CUDA, ...HIDDEN, GGML_VK_VISIBLE_DEVICES: "3" },
  },
  {
    name: "an AMD card: one variable chooses, or the second would count within the first",
    device: "auto",
    cards: [amd],
    gpu: "auto",
    env: { ...NO_CUDA, HIP_VISIBLE_DEVICES: "1", GGML_VK_VISIBLE_DEVICES: "1" },
  },
  { name: "Apple's", device: "metal", cards: [apple], gpu: "metal", env: {} },
  {
    name: "no cards: as the device says",
    device: "cuda:2",
    cards: [],
    gpu: "cuda",
    env: { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: "2", HIP_VISIBLE_DEVICES: "2" },
  },
];

for (const it of cases) test(`pin: ${it.name}`, () => assert.deepEqual(pinFor(it), { gpu: it.gpu, env: it.env }));

test("pin: cards of two makes are refused", () => {
  assert.throws(
    () => pinFor({ device: "auto", cards: [nvidia, amd] }),
    (error) =>
      error instanceof TandemError && error.code === "not-configured" && /GPU-aaaa.*0x1234/.test(error.message),
  );
});
