// A program that behaves as a llama-server on a card does: it says the buffers that the estimate has for its arguments, takes them of the
// fake driver, and answers. Nothing is computed. `FAKE_HOLDERS` is the driver's folder, `FAKE_OFF_PERCENT` by how much its word is off, `FAKE_UUID` the
// card that it goes to whatever it is told.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { estimate } from "../../server/core/estimate.ts";
import { toEstimatedModel } from "../../server/core/estimateModel.ts";
import { DEFAULT_PLAN, KV_TYPES } from "../../server/core/estimatePlan.ts";
import { readGgufModel } from "../../server/models/ggufModel.ts";
import type { Holder } from "../fakes/nvidiaSmi.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";

const MEBIBYTE = 1024 ** 2;
const { env } = process;
const holders = env.FAKE_HOLDERS ?? "";

if (process.argv.includes("--version")) process.stdout.write("version: 1 (fake)\n");
else if (process.argv.includes("--list-devices"))
  process.stdout.write("Available devices:\n  CUDA0: NVIDIA GeForce RTX 3090 (24576 MiB, 19456 MiB free)\n");
else await serve();

async function serve(): Promise<void> {
  const { values } = parseArgs({
    strict: false,
    options: {
      model: { type: "string" },
      "ctx-size": { type: "string" },
      "cache-type-k": { type: "string" },
      "cache-type-v": { type: "string" },
      port: { type: "string" },
      alias: { type: "string" },
    },
  });
  const contextTokens = Number(values["ctx-size"]);
  const type = (name: unknown) => KV_TYPES.find((it) => it === name) ?? "f16";
  const shape = toEstimatedModel(await readGgufModel(String(values.model), new AbortController().signal));
  if ("kind" in shape) throw new Error(shape.message);
  const plan = { ...DEFAULT_PLAN, contextTokens, gpuLayers: "all", flashAttention: "on", slots: 1 } as const;
  const kv = { keyType: type(values["cache-type-k"]), valueType: type(values["cache-type-v"]) };
  const gpu = estimate(shape, { ...plan, ...kv, gpus: [{ id: "CUDA0", share: 1 }] }, null).devices[0];
  if (!gpu) throw new Error("the estimate has no GPU");
  const { terms } = gpu;
  const off = 1 + Number(env.FAKE_OFF_PERCENT ?? 0) / 100;
  say("load_tensors", "model", (terms.weights + terms.output) * off);
  say("llama_kv_cache", "KV", (terms.keys + terms.values + terms.state) * off);
  say("llama_context", "compute", terms.compute * off);
  const uuid = env.FAKE_UUID ?? env.CUDA_VISIBLE_DEVICES ?? "";
  const held: Holder = { uuid, mebibytes: Math.round(gpu.totalBytes / MEBIBYTE), name: "/opt/llama-server" };
  mkdirSync(holders, { recursive: true });
  writeFileSync(join(holders, String(process.pid)), JSON.stringify(held));
  await startFakeLlama({
    reply: () => "and so on",
    ...{ port: Number(values.port), contextTokens, slots: 1, apiKey: env.LLAMA_API_KEY ?? "" },
    models: [String(values.alias ?? "fake")],
  });
}

/** As llama.cpp does with its log turned up. */
function say(who: string, what: string, bytes: number): void {
  process.stderr.write(`${who}:        CUDA0 ${what} buffer size = ${(bytes / MEBIBYTE).toFixed(2)} MiB\n`);
}
