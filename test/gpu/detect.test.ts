import assert from "node:assert/strict";
import { test } from "node:test";
import { detectHardware, parseGpus } from "../../server/gpu/detect.ts";
import { silentLog } from "../fakes/log.ts";

const GIB = 1024 ** 3;

const cases = [
  {
    name: "one card",
    printed: "0, NVIDIA GeForce RTX 3090, 24576\n",
    want: [["auto", "NVIDIA GeForce RTX 3090", 24 * GIB]],
  },
  {
    name: "two cards are told apart by index",
    printed: "0, NVIDIA GeForce RTX 3090, 24576\n1, NVIDIA GeForce RTX 3060, 12288\n",
    want: [
      ["gpu:0", "NVIDIA GeForce RTX 3090", 24 * GIB],
      ["gpu:1", "NVIDIA GeForce RTX 3060", 12 * GIB],
    ],
  },
  { name: "a card that does not tell its memory", printed: "0, NVIDIA A100, [N/A]\n", want: [] },
  {
    name: "a driver that does not answer",
    printed: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    want: [],
  },
  { name: "nothing", printed: "", want: [] },
];

for (const it of cases)
  test(`GPUs: ${it.name}`, () =>
    assert.deepEqual(
      parseGpus(it.printed).map(({ id, name, vramBytes }) => [id, name, vramBytes]),
      it.want,
    ));

test("this machine has memory and cores, whatever its driver says", async () => {
  const hardware = await detectHardware(silentLog, AbortSignal.timeout(10_000));
  assert.ok(hardware.ramBytes > 0.5 * GIB);
  assert.ok(hardware.cores >= 1);
});
