import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { safetensorsBytes } from "../../server/models/safetensors.ts";
import { readVllmFolder, vllmFolder } from "../../server/models/vllmFolder.ts";
import { safetensors } from "../fakes/safetensors.ts";
import { makePlace } from "./place.ts";

const never = new AbortController().signal;
/** The widths that Qwen2.5 0.5B's config.json gives. */
const CONFIG = {
  model_type: "qwen2",
  hidden_size: 896,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  max_position_embeddings: 32_768,
  torch_dtype: "bfloat16",
};
const WEIGHTS = { "a.weight": { dtype: "BF16", shape: [4, 8] }, "b.weight": { dtype: "F32", shape: [3] } };
const QWEN = {
  weightBytes: 64 + 12,
  layers: 24,
  heads: 14,
  kvHeads: 2,
  headWidth: 64,
  latentWidth: null,
  elementBytes: 2,
  maxContextTokens: 32_768,
};

const cases: readonly { name: string; files: Readonly<Record<string, string | Buffer>>; want: object }[] = [
  { name: "one file", files: { "config.json": json(CONFIG), "model.safetensors": safetensors(WEIGHTS) }, want: QWEN },
  {
    name: "only the files that its index names",
    files: {
      "config.json": json(CONFIG),
      "model-1.safetensors": safetensors(WEIGHTS),
      "consolidated.safetensors": safetensors(WEIGHTS),
      "model.safetensors.index.json": json({ metadata: {}, weight_map: { "a.weight": "model-1.safetensors" } }),
    },
    want: QWEN,
  },
  {
    name: "all files where there is no index",
    files: {
      "config.json": json(CONFIG),
      "1.safetensors": safetensors(WEIGHTS),
      "2.safetensors": safetensors(WEIGHTS),
    },
    want: { ...QWEN, weightBytes: 2 * 76 },
  },
  {
    name: "the language part of a model that sees",
    files: { "config.json": json({ text_config: CONFIG, vision_config: {} }), "m.safetensors": safetensors(WEIGHTS) },
    want: QWEN,
  },
  {
    name: "compressed keys and values",
    files: {
      "config.json": json({ ...CONFIG, kv_lora_rank: 512, qk_rope_head_dim: 64, head_dim: 128 }),
      "m.safetensors": safetensors(WEIGHTS),
    },
    want: { ...QWEN, latentWidth: 576, headWidth: 128 },
  },
];
for (const it of cases)
  test(`what vLLM would load: ${it.name}`, async () => {
    await using place = await makePlace();
    await put(place.folder, it.files);
    assert.deepEqual(await readVllmFolder(place.folder, never), it.want);
  });

const header = (text: string, length = Buffer.byteLength(text)) => {
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([start, Buffer.from(text)]);
};
const tensor = (value: object) => safetensors({}, { "a.weight": value });
const hostile: readonly { name: string; weights?: Buffer; config?: string; index?: string; why: RegExp }[] = [
  { name: "no config", config: "", why: /not JSON/ },
  { name: "a config of nothing", config: "{}", why: /does not say/ },
  { name: "widths beyond all models", config: json({ ...CONFIG, num_hidden_layers: 1e12 }), why: /does not say/ },
  { name: "widths below nothing", config: json({ ...CONFIG, hidden_size: -1 }), why: /does not say/ },
  { name: "an empty file", weights: Buffer.alloc(0), why: /too short/ },
  { name: "a header as long as the world", weights: header("{}", Number.MAX_SAFE_INTEGER), why: /claims a header/ },
  { name: "a header longer than the file", weights: header("{}", 1_000), why: /claims a header/ },
  { name: "a header that is no JSON", weights: header("{{{{"), why: /begin with/ },
  { name: "a header that is a list", weights: header("[1,2]"), why: /begin with/ },
  { name: "a header as deep as it is long", weights: header("[".repeat(100_000)), why: /begin with/ },
  { name: "a tensor that is none", weights: tensor({ dtype: "F32" }), why: /as a tensor is/ },
  {
    name: "a tensor beyond the file",
    weights: tensor({ dtype: "F32", shape: [1], data_offsets: [0, 4] }),
    why: /within the file/,
  },
  {
    name: "a tensor that ends before it begins",
    weights: tensor({ dtype: "F32", shape: [0], data_offsets: [4, 0] }),
    why: /within the file/,
  },
  {
    name: "a tensor of another size than it says",
    weights: safetensors(WEIGHTS, {
      "c.weight": { dtype: "F32", shape: [1_000_000, 1_000_000], data_offsets: [0, 4] },
    }),
    why: /as large as/,
  },
  {
    name: "tensors over each other",
    weights: safetensors(WEIGHTS, { c: { dtype: "BF16", shape: [4, 8], data_offsets: [0, 64] } }),
    why: /over each other/,
  },
  {
    name: "an index that leads elsewhere",
    index: json({ weight_map: { a: "../../secret.safetensors" } }),
    why: /not in it/,
  },
  { name: "an index of nothing", index: "[]", why: /index of weights/ },
];
for (const it of hostile)
  test(`refused: ${it.name}`, async () => {
    await using place = await makePlace();
    await put(place.folder, {
      "config.json": it.config ?? json(CONFIG),
      "model.safetensors": it.weights ?? safetensors(WEIGHTS),
      ...(it.index === undefined ? {} : { "model.safetensors.index.json": it.index }),
    });
    await assert.rejects(
      readVllmFolder(place.folder, never),
      (error) => error instanceof TandemError && error.code === "bad-input" && it.why.test(error.message),
    );
  });

test("500 files with bytes changed at random are read within their own size, or refused", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "m.safetensors");
  const good = safetensors(WEIGHTS);
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const counts = { read: 0, refused: 0 };
  for (let nth = 0; nth < 500; nth++) {
    const bytes = Buffer.from(good);
    for (let changes = 1 + random(4); changes > 0; changes--) bytes[random(bytes.length)] = random(256);
    await writeFile(path, bytes.subarray(0, nth % 5 === 0 ? random(bytes.length) : bytes.length));
    try {
      const found = await safetensorsBytes(path, never);
      assert.ok(Number.isSafeInteger(found) && found >= 0 && found <= bytes.length);
      counts.read++;
    } catch (error) {
      assert.ok(error instanceof TandemError && error.code === "bad-input", String(error));
      counts.refused++;
    }
  }
  assert.ok(counts.read > 20 && counts.refused > 200, JSON.stringify(counts));
});

test("a hub's name stands for where its client has put it, and for nothing outside", async () => {
  await using place = await makePlace();
  const kept = join(place.folder, "hub", "models--Qwen--Qwen2.5-0.5B");
  const revision = "0123456789abcdef0123456789abcdef01234567";
  const snapshot = join(kept, "snapshots", revision);
  await mkdir(snapshot, { recursive: true });
  await put(join(kept, "refs"), { main: revision });
  const env = { HF_HOME: place.folder };
  assert.equal(await vllmFolder("Qwen/Qwen2.5-0.5B", env), snapshot);
  assert.equal(await vllmFolder("Qwen/Other", env), null);
  assert.equal(await vllmFolder("../../etc", env), null);
  assert.equal(await vllmFolder(place.folder, env), place.folder);
  await put(join(kept, "refs"), { main: "../../../elsewhere" });
  assert.equal(await vllmFolder("Qwen/Qwen2.5-0.5B", env), null);
});

async function put(folder: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

function json(value: unknown): string {
  return JSON.stringify(value);
}
