import assert from "node:assert/strict";
import { test } from "node:test";
import { createBufferReader, needsOf } from "../../server/core/llamaBuffers.ts";

const MEBIBYTE = 1024 ** 2;
const CARDS = new Map([
  ["CUDA0", "GPU-a"],
  ["CUDA1", "GPU-b"],
]);

/** Lines as llama.cpp prints them; those of the processor are from a real server, the devices' names from its source. */
const LOADED = `0.00.118.000 I llama_model_load_from_file_impl: using device CUDA0 (NVIDIA GeForce RTX 3090) (0000:01:00.0) - 23700 MiB free
0.00.118.918 I load_tensors:   CPU_Mapped model buffer size =   306.95 MiB
0.00.118.960 I load_tensors:        CUDA0 model buffer size =  4000.50 MiB
0.00.118.960 I load_tensors:        CUDA1 model buffer size =  1000.25 MiB
0.00.139.281 I llama_context:  CUDA_Host  output buffer size =     0.50 MiB
0.00.140.342 I llama_kv_cache:      CUDA0 KV buffer size =   800.00 MiB
0.00.140.342 I llama_kv_cache:      CUDA1 KV buffer size =   200.00 MiB
0.00.141.036 I sched_reserve:      CUDA0 compute buffer size =   300.00 MiB
0.00.141.036 I sched_reserve:      CUDA1 compute buffer size =   100.00 MiB
0.00.141.036 I sched_reserve:  CUDA_Host compute buffer size =    20.00 MiB
`;
const DRY = LOADED.replace(/(model buffer size =) +[\d.]+/g, "$1     0.00");
const SUM = [
  { device: "cpu", bytes: 327.45 * MEBIBYTE },
  { device: "GPU-a", bytes: 5_100.5 * MEBIBYTE },
  { device: "GPU-b", bytes: 1_300.25 * MEBIBYTE },
];

const cases: readonly { name: string; text: string; want: typeof SUM | null }[] = [
  { name: "every buffer by its card", text: LOADED, want: SUM },
  { name: "a dry pass before does not count", text: DRY + LOADED, want: SUM },
  {
    name: "weights that were put in another order for the processor count once",
    text: LOADED.replace(/^.*CPU_Mapped.*\n/m, "$&0.0 I load_tensors:   CPU_REPACK model buffer size =    13.41 MiB\n"),
    want: SUM,
  },
  { name: "only a dry pass says nothing", text: DRY, want: null },
  { name: "nothing said", text: "main: model loaded\n", want: null },
  { name: "numbers that are none", text: "x: CUDA0 model buffer size = lots MiB\n", want: null },
];
for (const it of cases)
  for (const size of [1, 7, 1 << 20])
    test(`a server's buffers: ${it.name}, in pieces of ${size}`, () => {
      const reader = createBufferReader();
      for (let at = 0; at < it.text.length; at += size) reader.add(it.text.slice(at, at + size));
      const said = reader.buffers();
      assert.equal(reader.isWhole(), it.want !== null);
      assert.deepEqual(said && needsOf(said, CARDS), it.want?.map(rounded) ?? null);
    });

test("a server's buffers: where it says that it is", () => {
  const reader = createBufferReader();
  reader.add(LOADED);
  assert.equal(reader.usedDevices(), "CUDA0 (NVIDIA GeForce RTX 3090)");
});

function rounded({ device, bytes }: { device: string; bytes: number }) {
  return { device, bytes: Math.round(bytes) };
}
