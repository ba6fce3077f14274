import assert from "node:assert/strict";
import { test } from "node:test";
import { type CardFacts, matchDevices, parseDevices } from "../../server/backends/llamaDevices.ts";
import type { Card } from "../../server/engineSpec.ts";
import { TandemError } from "../../server/errors.ts";

const MEBIBYTE = 1024 ** 2;

const big: Card = { uuid: "GPU-big", vendor: "nvidia", index: 0 };
const small: Card = { uuid: "GPU-small", vendor: "nvidia", index: 1 };
const twin: Card = { uuid: "GPU-twin", vendor: "nvidia", index: 2 };
const radeon: Card = { uuid: "amd-1", vendor: "amd", index: 0 };
const machine: CardFacts[] = [
  { uuid: "GPU-big", name: "NVIDIA GeForce RTX 3090", totalBytes: 24_576 * MEBIBYTE, index: 0 },
  { uuid: "GPU-small", name: "NVIDIA GeForce RTX 3060", totalBytes: 12_288 * MEBIBYTE, index: 1 },
  { uuid: "GPU-twin", name: "NVIDIA GeForce RTX 3090", totalBytes: 24_576 * MEBIBYTE, index: 2 },
];

const CUDA = `ggml_cuda_init: found 2 CUDA devices:
Available devices:
  CUDA0: NVIDIA GeForce RTX 3090 (24124 MiB, 23700 MiB free)
  CUDA1: NVIDIA GeForce RTX 3060 (11909 MiB, 11000 MiB free)
`;
const VULKAN = `Available devices:
  Vulkan0: NVIDIA GeForce RTX 3060 (12288 MiB, 11900 MiB free)
  Vulkan1: NVIDIA GeForce RTX 3090 (24576 MiB, 24000 MiB free)
  Vulkan2: NVIDIA GeForce RTX 3090 (24576 MiB, 24000 MiB free)
`;
const RADV = "Available devices:\n  Vulkan0: AMD Radeon RX 7900 XTX (RADV NAVI31) (24560 MiB, 24000 MiB free)\n";
const NOTHING = "Available devices:\n  (none)\n";

const cases: readonly {
  name: string;
  cards: readonly Card[];
  text: string;
  facts?: readonly CardFacts[];
  want: { devices: readonly string[] | "none"; isSure: boolean } | "refused";
}[] = [
  {
    name: "CUDA shows the cards that its variable names, in that order",
    cards: [small, big],
    text: CUDA,
    want: { devices: ["CUDA0", "CUDA1"], isSure: true },
  },
  { name: "fewer than were named", cards: [big], text: CUDA, want: "refused" },
  {
    name: "Vulkan counts otherwise: name and size tell",
    cards: [small],
    text: VULKAN,
    want: { devices: ["Vulkan0"], isSure: true },
  },
  {
    name: "two that look the same go by their number, and that is no certainty",
    cards: [twin],
    text: VULKAN,
    want: { devices: ["Vulkan2"], isSure: false },
  },
  {
    name: "both twins",
    cards: [twin, big],
    text: VULKAN,
    want: { devices: ["Vulkan2", "Vulkan1"], isSure: false },
  },
  {
    name: "a driver's name behind the card's",
    cards: [radeon],
    text: RADV,
    facts: [{ uuid: "amd-1", name: "AMD Radeon RX 7900 XTX", totalBytes: 24_560 * MEBIBYTE, index: 0 }],
    want: { devices: ["Vulkan0"], isSure: true },
  },
  {
    name: "a card nobody described, alone",
    cards: [radeon],
    text: RADV,
    facts: [],
    want: { devices: ["Vulkan0"], isSure: false },
  },
  { name: "built for the processor", cards: [big], text: NOTHING, want: { devices: "none", isSure: true } },
  {
    name: "a card that is not there",
    cards: [big],
    text: "  Vulkan0: Intel(R) Arc(TM) A770 Graphics (16288 MiB, 16000 MiB free)\n",
    want: "refused",
  },
];
for (const it of cases)
  test(`a server's devices: ${it.name}`, () => {
    const match = () => matchDevices(it.cards, parseDevices(it.text), it.facts ?? machine);
    if (it.want === "refused")
      assert.throws(match, (error) => error instanceof TandemError && /sees: /.test(error.message));
    else assert.deepEqual(match(), it.want);
  });
