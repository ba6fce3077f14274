import assert from "node:assert/strict";
import { test } from "node:test";
import type { GpuReading } from "../../server/core/telemetry.ts";
import { metalBytes, readApple } from "../../server/gpu/apple.ts";
import { detectHardware, hardwareOf } from "../../server/gpu/detect.ts";
import { readNvidiaOnce } from "../../server/gpu/nvidiaOnce.ts";
import { silentLog } from "../fakes/log.ts";
import { card, fakeSmi } from "./smi.ts";

const GIB = 1024 ** 3;
const SMALL = { name: "NVIDIA GeForce RTX 3060", "memory.total": "12288", "memory.used": "0", "memory.free": "12288" };
const UNKNOWN = { "memory.total": "[N/A]", "memory.used": "[N/A]", "memory.free": "[N/A]" };
const MIG = { "mig.mode.current": "Enabled" };
const LISTED =
  "GPU 0: NVIDIA A100 (UUID: GPU-00000000-1111-2222-3333-444444444444)\n  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4)\n";

const cases = [
  { name: "one card", script: { cards: [card(0)] }, want: [["auto", "NVIDIA GeForce RTX 3090", 24 * GIB]] },
  {
    name: "two cards are told apart by index",
    script: { cards: [card(0), card(1, SMALL)] },
    want: [
      ["gpu:0", "NVIDIA GeForce RTX 3090", 24 * GIB],
      ["gpu:1", "NVIDIA GeForce RTX 3060", 12 * GIB],
    ],
  },
  { name: "a card that does not tell its memory", script: { cards: [card(0, UNKNOWN)] }, want: [] },
  {
    name: "a card that was lost beside one that works",
    script: { cards: [card(0, { "memory.used": "[GPU is lost]", "memory.total": "[GPU is lost]" }), card(1, SMALL)] },
    want: [["auto", "NVIDIA GeForce RTX 3060", 12 * GIB]],
  },
  {
    name: "a card cut into instances is as large as the first",
    script: { cards: [card(0, MIG)], listed: LISTED },
    want: [["auto", "NVIDIA GeForce RTX 3090", 20 * GIB]],
  },
  { name: "one that is to be cut and is not", script: { cards: [card(0, MIG)] }, want: [] },
  {
    name: "a driver that does not answer",
    script: {
      failure: { code: 9, text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n" },
    },
    want: [],
  },
  { name: "nothing", script: {}, want: [] },
];

for (const it of cases)
  test(`GPUs: ${it.name}`, async () => {
    using smi = fakeSmi(it.script);
    const read = await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000 }, new AbortController().signal);
    assert.deepEqual(
      hardwareOf(read).gpus.map(({ id, name, vramBytes }) => [id, name, vramBytes]),
      it.want,
    );
  });

const reading = (vendor: "nvidia" | "amd" | "apple", index: number, totalBytes: number | null): GpuReading => ({
  ...readApple(),
  ...{ vendor, index, totalBytes, uuid: `${vendor}-${index}`, name: vendor },
});
const makes: readonly { name: string; gpus: readonly GpuReading[]; want: readonly string[] }[] = [
  { name: "a lone AMD card", gpus: [reading("amd", 0, 16 * GIB)], want: ["auto amd-0"] },
  { name: "two AMD cards", gpus: [reading("amd", 0, 16 * GIB), reading("amd", 1, 16 * GIB)], want: [] },
  {
    name: "an AMD card beside one of NVIDIA's",
    gpus: [reading("nvidia", 0, 24 * GIB), reading("amd", 0, 1 * GIB)],
    want: ["auto nvidia-0"],
  },
  {
    name: "an AMD card beside one that tells no memory",
    gpus: [reading("amd", 0, 8 * GIB), reading("amd", 1, null)],
    want: [],
  },
  { name: "Apple silicon", gpus: [reading("apple", 0, 24 * GIB)], want: ["metal apple-0"] },
];
for (const it of makes)
  test(`models are placed on: ${it.name}`, () => {
    const { gpus } = hardwareOf({ gpus: it.gpus, instances: [] });
    assert.deepEqual(
      gpus.map(({ id, uuid }) => `${id} ${uuid}`),
      it.want,
    );
  });

test("this machine has memory and cores, whatever its driver says", async () => {
  const { hardware } = await detectHardware(silentLog, AbortSignal.timeout(10_000));
  assert.ok(hardware.ramBytes > 0.5 * GIB);
  assert.ok(hardware.cores >= 1);
});

for (const [gigabytes, want] of [
  [8, 5.33],
  [36, 24],
  [64, 48],
] as const)
  test(`of a Mac's ${gigabytes} GB Metal uses ${want}`, () =>
    assert.equal(Math.round((metalBytes(gigabytes * GIB) / GIB) * 100) / 100, want));
