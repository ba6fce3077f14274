import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { z } from "zod";
import { toAsked } from "../../server/cli/estimateOptions.ts";
import { TandemError } from "../../server/errors.ts";
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
  assert.match(await tandem(place.folder, "status"), /"pid": null/);
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
  { name: "a file that there is not", model: "nowhere.gguf", why: /cannot be opened/ },
];
for (const { name, model, why } of failures)
  test(`refused: ${name}`, async () => {
    await using place = await makePlace();
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

/** The command itself, with folders of its own. */
async function tandem(folder: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, TANDEM_CACHE: folder, TANDEM_STATE: folder, XDG_RUNTIME_DIR: folder, FORCE_COLOR: "0" };
  const { stdout } = await promisify(execFile)(process.execPath, [ENTRY, ...args], { env, cwd: folder });
  return stdout;
}
