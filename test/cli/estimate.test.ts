import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { createCalibration } from "../../server/calibration/calibration.ts";
import { toAsked } from "../../server/cli/estimateOptions.ts";
import { DEFAULT_PLAN } from "../../server/core/estimatePlan.ts";
import { TandemError } from "../../server/errors.ts";
import { silentLog } from "../fakes/log.ts";
import { safetensors } from "../fakes/safetensors.ts";
import { card, fakeSmi, installSmi } from "../gpu/smi.ts";
import { makePlace } from "../models/place.ts";
import { modelShapes } from "../setup/modelShapes.ts";
import { writeSparseModel } from "../setup/sparseModel.ts";

const ENTRY = join(import.meta.dirname, "..", "..", "server", "cli.ts");

const Printed = z.object({
  plan: z.object({ contextTokens: z.number(), keyType: z.string() }),
  devices: z.array(z.object({ device: z.string(), totalBytes: z.number(), terms: z.record(z.string(), z.number()) })),
  totalBytes: z.number(),
  fits: z.enum(["yes", "no", "unknown"]),
  ways: z.array(z.object({ change: z.object({ kind: z.string() }), cost: z.number(), totalBytes: z.number() })),
  notes: z.array(z.string()),
});

const Corrected = Printed.extend({
  devices: z.array(z.object({ totalBytes: z.number(), correctedBytes: z.number(), nowBytes: z.number().nullable() })),
});

test("every term of a file is printed, adds up, and nothing is started for it", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
  const asked = ["--ctx", "4096", "--kv", "q8_0", "--split", "3,1", "--json"];
  const { devices, totalBytes, plan } = Printed.parse(
    JSON.parse(await tandem(place.folder, "estimate", path, ...asked)),
  );
  assert.deepEqual([plan.contextTokens, plan.keyType], [4_096, "q8_0"]);
  assert.equal(devices.length, 3);
  for (const it of devices)
    assert.equal(
      Object.values(it.terms).reduce((sum, bytes) => sum + bytes, 0),
      it.totalBytes,
    );
  // 28 layers, four heads of 128, 34 bytes for 32 of them.
  const keys = devices.reduce((sum, it) => sum + (it.terms.keys ?? 0), 0);
  assert.equal(keys, (28 * 4_096 * 512 * 34) / 32);
  assert.equal(
    devices.reduce((sum, it) => sum + it.totalBytes, 0),
    totalBytes,
  );
  assert.match(await tandem(place.folder, "status", "--json"), /"pid": null/);
});

test("for people it is a table with a verdict, and ways out where it does not fit", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
  const table = await tandem(place.folder, "estimate", `file:${path}`, "--ctx", "100000000", "--gpu-layers", "0");
  assert.match(table, /weights of the layers +\d+\.\d\d/);
  assert.match(table, /DOES NOT FIT/);
  assert.match(table, /cheapest first:\n {2}\S/);
  assert.match(table, /trained for 32768 tokens/);
});

const failures: readonly { name: string; model: string; why: RegExp }[] = [
  { name: "a model that there is not", model: "nothing-7b", why: /no model called "nothing-7b"/ },
  { name: "a model that is not downloaded", model: "qwen2.5-coder-32b", why: /is not on this machine/ },
  { name: "a file that is no .gguf", model: "notes.md", why: /notes\.md is a file whose name does not end in \.gguf/ },
  { name: "a folder", model: "folder", why: /folder is a folder, .*--backend vllm/s },
  { name: "a file that there is not", model: "nowhere.gguf", why: /cannot be opened/ },
];
for (const { name, model, why } of failures)
  test(`refused: ${name}`, async () => {
    await using place = await makePlace();
    await writeFile(join(place.folder, "notes.md"), "# Notes\n");
    await mkdir(join(place.folder, "folder"));
    await assert.rejects(tandem(place.folder, "estimate", model), (error) => why.test(Object(error).stderr));
  });

const wrong: readonly { words: readonly string[]; flags: Parameters<typeof toAsked>[1]; why: RegExp }[] = [
  { words: [], flags: {}, why: /one model/ },
  { words: ["a.gguf", "b.gguf"], flags: {}, why: /one model/ },
  { words: ["a.gguf"], flags: { ctx: "many" }, why: /--ctx many/ },
  { words: ["a.gguf"], flags: { ctx: "0" }, why: /--ctx 0/ },
  { words: ["a.gguf"], flags: { ctx: "" }, why: /--ctx / },
  { words: ["a.gguf"], flags: { kv: "q3_0" }, why: /--kv q3_0/ },
  { words: ["a.gguf"], flags: { kv: "f16/q8_0/q4_0" }, why: /too many parts/ },
  { words: ["a.gguf"], flags: { kv: "q8_0", "flash-attn": "off" }, why: /need flash attention/ },
  { words: ["a.gguf"], flags: { "flash-attn": "auto" }, why: /--flash-attn auto/ },
  { words: ["a.gguf"], flags: { "gpu-layers": "-1" }, why: /--gpu-layers -1/ },
  { words: ["a"], flags: { backend: "ollama" }, why: /--backend ollama/ },
  { words: ["a"], flags: { backend: "vllm", kv: "q8_0" }, why: /--kv is llama.cpp's/ },
  { words: ["a"], flags: { "tensor-parallel": "2" }, why: /are vLLM's/ },
  { words: ["a"], flags: { backend: "vllm", "memory-share": "1.5" }, why: /--memory-share 1.5/ },
  { words: ["a.gguf"], flags: { slots: "0" }, why: /--slots 0/ },
  { words: ["a.gguf"], flags: { split: "1,,2" }, why: /--split/ },
  { words: ["a.gguf"], flags: { split: "0,0" }, why: /--split/ },
];
for (const { words, flags, why } of wrong)
  test(`refused: ${JSON.stringify(flags)} for ${words.length} models`, () => {
    assert.throws(
      () => toAsked(words, flags),
      (error) => error instanceof TandemError && error.code === "bad-input" && why.test(error.message),
    );
  });

test("unlike types of keys and values", () => {
  const { keyType, valueType } = toAsked(["a.gguf"], { kv: "f16/q4_0" });
  assert.deepEqual([keyType, valueType], ["f16", "q4_0"]);
});

test("a name of the configuration file leads to its file and its settings", async () => {
  await using place = await makePlace();
  const coder = { name: "coder", model: "/models/c.gguf", contextTokens: 16_384, keyType: "q8_0", slots: 2 };
  const models = [coder, { name: "far", backend: "ollama", model: "phi3" }];
  await writeFile(join(place.folder, "tandem.jsonc"), JSON.stringify({ models }));
  const failing = (name: string, why: RegExp) =>
    assert.rejects(tandem(place.folder, "estimate", name), (error) => why.test(Object(error).stderr));
  await failing("coder", /tandem estimate \/models\/c\.gguf --ctx 16384 --kv q8_0\/f16 --slots 2$/m);
  await failing("far", /affair of its server \(ollama\)/);
});

const SHARED = { "memory.used": "18432", "memory.free": "6144" };

test("fits in all, and whether it does right now", { skip: process.platform === "win32" }, async () => {
  await using place = await makePlace();
  const path = join(place.folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
  using smi = fakeSmi({ cards: [card(0, SHARED)] });
  installSmi(smi, place.folder);
  const table = await tandem(place.folder, "estimate", path, "--ctx", "8192");
  assert.match(
    table,
    /^GPU needs .* never measured here.*RTX 3090 has 24576.00.*it fits\. Right now 6144.00 are free: NOT NOW/m,
  );
  const { devices, fits } = Corrected.parse(JSON.parse(await tandem(place.folder, "estimate", path, "--json")));
  assert.equal(fits, "yes");
  const [gpu] = devices;
  assert.ok(gpu && gpu.nowBytes !== null && gpu.correctedBytes > gpu.totalBytes && gpu.correctedBytes > gpu.nowBytes);
});

test("what loads taught is shown with its origin, and counts", { skip: process.platform === "win32" }, async () => {
  await using place = await makePlace();
  const path = join(place.folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
  using smi = fakeSmi({ cards: [card(0)] });
  installSmi(smi, place.folder);
  const { size, mtimeMs } = await stat(path);
  const uuid = "GPU-00000000-1111-2222-3333-444444444444";
  const plan = { ...DEFAULT_PLAN, contextTokens: 8_192, gpus: [{ id: uuid, share: 1 }] };
  const of = {
    file: { path, bytes: size, modifiedMs: mtimeMs },
    plan: { ...plan, outputs: "step" as const },
    backend: "embedded",
  };
  const calibration = createCalibration({ folder: place.folder, log: silentLog });
  for (const life of ["00000001", "00000002", "00000003"])
    await calibration.note({
      life,
      of,
      option: uuid,
      tookMs: 1,
      devices: [{ device: uuid, estimatedBytes: 5_000_000, measuredBytes: 5_060_000, by: "driver" }],
    });
  assert.match(await tandem(place.folder, "estimate", path), /^GPU needs .*corrected by 3 loads of it, \+1\.2 %/m);
  assert.match(
    await tandem(place.folder, "estimate", path, "--ctx", "4096"),
    /corrected by 3 loads of other models here/,
  );
});

const VLLM_CONFIG = {
  hidden_size: 4_096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
};

test("vLLM's flags for a folder of safetensors", { skip: process.platform === "win32" }, async () => {
  await using place = await makePlace();
  const folder = join(place.folder, "model");
  await mkdir(folder);
  await writeFile(join(folder, "config.json"), JSON.stringify(VLLM_CONFIG));
  await writeFile(join(folder, "model.safetensors"), safetensors({ w: { dtype: "BF16", shape: [1_024, 1_024] } }));
  const ask = (...more: readonly string[]) => tandem(place.folder, "estimate", folder, "--backend", "vllm", ...more);
  assert.match(await ask("--ctx", "4096"), /keys and values of one request +512.00[\s\S]*needs an NVIDIA card/);
  using smi = fakeSmi({ cards: [card(0), card(1)] });
  installSmi(smi, place.folder);
  assert.match(await ask("--ctx", "4096"), /--gpu-memory-utilization 0\.09 --max-model-len 4096 {2}on NVIDIA/);
  assert.match(await ask("--tensor-parallel", "2"), /--tensor-parallel-size 2/);
  assert.match(await ask("--memory-share", "0.9"), /cannot hold the model: it needs 90 %/);
  const json = z.object({ fits: z.string(), options: z.array(z.object({ memoryShare: z.number() })) });
  const { fits, options } = json.parse(JSON.parse(await ask("--ctx", "4096", "--json")));
  assert.deepEqual([fits, options.map((it) => it.memoryShare)], ["yes", [0.09, 0.09]]);
});

/** The command itself, with folders of its own. */
async function tandem(folder: string, ...args: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    TANDEM_CACHE: folder,
    TANDEM_STATE: folder,
    TANDEM_CONFIG: join(folder, "tandem.jsonc"),
    XDG_RUNTIME_DIR: folder,
    FORCE_COLOR: "0",
    PATH: folder,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, ...args], { env, cwd: folder });
  return stdout;
}
