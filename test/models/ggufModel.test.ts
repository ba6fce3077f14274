import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { estimate } from "../../server/core/estimate.ts";
import { toEstimatedModel } from "../../server/core/estimateModel.ts";
import { DEFAULT_PLAN } from "../../server/core/estimatePlan.ts";
import type { GgufModel } from "../../server/core/ggufFile.ts";
import { TandemError } from "../../server/errors.ts";
import { readGguf } from "../../server/models/gguf.ts";
import { readGgufModel } from "../../server/models/ggufModel.ts";
import { type GgufMetadata, type GgufTensor, gguf, uint32, uint64 } from "../fakes/gguf.ts";
import { makePlace } from "./place.ts";

const never = new AbortController().signal;
const huge = 2n ** 63n;
const F32 = 0;
const Q4_K = 12;

const metadata: GgufMetadata = {
  "general.architecture": { kind: "string", value: "llama" },
  "llama.block_count": { kind: "uint32", value: 1 },
  "llama.rope.freq_base": { kind: "float32", value: 0.5 },
  "llama.attention.head_count_kv": { kind: "uint32s", value: [4, 0, 4] },
  "llama.window": { kind: "booleans", value: [true, false] },
  "tokenizer.ggml.tokens": { kind: "strings", value: Array.from({ length: 300 }, (_, index) => `token ${index}`) },
  "tokenizer.chat_template": { kind: "string", value: "x".repeat(10_000) },
};
const matrix: GgufTensor = { name: "blk.0.ffn_up.weight", dimensions: [256, 3], type: Q4_K, offset: 0 };
const vector: GgufTensor = { name: "output_norm.weight", dimensions: [8], type: F32, offset: 448 };
const good = withData(gguf(metadata, undefined, [matrix, vector]));

test("values, tensors and their sizes", async () => {
  const model = await readBytes(good);
  assert.deepEqual(Object.fromEntries(model.values), {
    "general.architecture": { kind: "text", value: "llama" },
    "llama.block_count": { kind: "number", value: 1 },
    "llama.rope.freq_base": { kind: "number", value: 0.5 },
    "llama.attention.head_count_kv": { kind: "numbers", value: [4, 0, 4] },
    "llama.window": { kind: "numbers", value: [1, 0] },
    "tokenizer.ggml.tokens": { kind: "skipped", count: 300 },
    "tokenizer.chat_template": { kind: "skipped", count: 10_000 },
  });
  assert.deepEqual(model.tensors, [
    { name: "blk.0.ffn_up.weight", type: "q4_K", dimensions: [256, 3], bytes: 3 * 144 },
    { name: "output_norm.weight", type: "f32", dimensions: [8], bytes: 32 },
  ]);
  assert.equal(model.fileBytes, good.length);
});

test("version 2 is read like version 3", async () => {
  const second = Buffer.from(good);
  second.writeUInt32LE(2, 4);
  assert.equal((await readBytes(second)).tensors.length, 2);
});

test("a vocabulary longer than what is read at once", async () => {
  const tokens = Array.from({ length: 150_000 }, (_, index) => `a token with the number ${index}`);
  const long: GgufMetadata = { tokens: { kind: "strings", value: tokens }, after: { kind: "uint32", value: 7 } };
  const model = await readBytes(gguf(long));
  assert.deepEqual(model.values.get("after"), { kind: "number", value: 7 });
});

const hostile: readonly { name: string; bytes: Buffer; why: RegExp }[] = [
  { name: "nothing", bytes: Buffer.alloc(0), why: /not a GGUF/ },
  { name: "text", bytes: Buffer.from("a text, whatever it is called"), why: /not a GGUF/ },
  { name: "big-endian", bytes: edited((it) => it.writeUInt32BE(3, 4)), why: /big-endian/ },
  { name: "version 1", bytes: edited((it) => it.writeUInt32LE(1, 4)), why: /version 1/ },
  { name: "2^63 tensors", bytes: edited((it) => it.writeBigUInt64LE(huge, 8)), why: /beyond all files/ },
  { name: "a billion tensors", bytes: edited((it) => it.writeBigUInt64LE(10n ** 9n, 8)), why: /1000000000 tensors/ },
  { name: "a billion values", bytes: edited((it) => it.writeBigUInt64LE(10n ** 9n, 16)), why: /1000000000 values/ },
  { name: "a key of 2^63 bytes", bytes: edited((it) => it.writeBigUInt64LE(huge, 24)), why: /beyond all files/ },
  { name: "a key of a megabyte", bytes: edited((it) => it.writeBigUInt64LE(1_000_000n, 24)), why: /a name of/ },
  { name: "a text of 2^63 bytes", bytes: raw(8, uint64(huge)), why: /beyond all files/ },
  { name: "a text of a terabyte", bytes: raw(8, uint64(1e12)), why: /ends within/ },
  { name: "2^63 numbers", bytes: raw(9, Buffer.concat([uint32(4), uint64(huge)])), why: /beyond all files/ },
  { name: "2^52 numbers", bytes: raw(9, Buffer.concat([uint32(12), uint64(2n ** 52n)])), why: /ends within/ },
  { name: "2^52 texts", bytes: raw(9, Buffer.concat([uint32(8), uint64(2n ** 52n)])), why: /ends within/ },
  {
    name: "arrays in arrays in arrays",
    bytes: raw(9, Buffer.concat(Array.from({ length: 50_000 }, () => Buffer.concat([uint32(9), uint64(1)])))),
    why: /arrays of what/,
  },
  { name: "a value of no type", bytes: raw(13, uint64(0)), why: /type 13/ },
  { name: "a tensor beyond the file", bytes: tensors({ ...matrix, offset: 1 << 20 }), why: /within the file/ },
  {
    name: "a tensor larger than the file",
    bytes: tensors({ ...matrix, dimensions: [256, 1 << 20] }),
    why: /within the file/,
  },
  { name: "a tensor at 2^63", bytes: tensors({ ...matrix, offset: huge }), why: /beyond all files/ },
  { name: "a tensor between two places", bytes: tensors({ ...matrix, offset: 7 }), why: /where tensors may/ },
  {
    name: "2^106 elements",
    bytes: tensors({ ...matrix, dimensions: [2 ** 53 - 256, 2 ** 53 - 1] }),
    why: /cannot have/,
  },
  { name: "half a block", bytes: tensors({ ...matrix, dimensions: [100, 3] }), why: /cannot have/ },
  { name: "five dimensions", bytes: tensors({ ...matrix, dimensions: [256, 1, 1, 1, 1] }), why: /5 dimensions/ },
  { name: "a tensor of no type", bytes: tensors({ ...matrix, type: 4 }), why: /type 4/ },
  { name: "a tensor's name of 200 bytes", bytes: tensors({ ...matrix, name: "x".repeat(200) }), why: /a name of/ },
  { name: "the same tensor twice", bytes: tensors(matrix, matrix), why: /twice/ },
  { name: "an alignment of nothing", bytes: aligned(0), why: /aligned to 0/ },
  { name: "an alignment of three", bytes: aligned(3), why: /aligned to 3/ },
];
for (const { name, bytes, why } of hostile)
  test(`refused: ${name}`, async () => {
    await assert.rejects(readBytes(bytes), isRefused(why));
  });

test("cut anywhere, it is refused or said to be no GGUF, and the quick look takes what is there", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "cut.gguf");
  await writeFile(path, good);
  const header = gguf(metadata, undefined, [matrix, vector]).length;
  const lastByte = Math.ceil(header / 32) * 32 + 448 + 31;
  // Within the long texts one length is like another.
  for (let bytes = lastByte; bytes >= 0; bytes -= bytes > 600 && bytes < header - 200 ? 97 : 1) {
    await truncate(path, bytes);
    await assert.rejects(readGgufModel(path, never), isRefused(/./));
    const header = await readGguf(path, never);
    assert.ok(header === null || header.contextTokens === null);
  }
});

test("1,500 files with bytes changed at random are read or refused, and never more than that", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "fuzzed.gguf");
  const random = createRandom(20_240_817);
  const small: GgufMetadata = {
    ...metadata,
    "llama.embedding_length": { kind: "uint32", value: 256 },
    "tokenizer.chat_template": { kind: "string", value: "x" },
  };
  const header = gguf(small, undefined, [matrix, vector]);
  const seed = withData(header);
  let refusals = 0;
  let estimates = 0;
  for (let round = 0; round < 1_500; round++) {
    const bytes = Buffer.from(seed);
    for (let change = random(4); change >= 0; change--) mutate(bytes, header.length, random);
    await writeFile(path, bytes);
    const heapBytes = process.memoryUsage().heapUsed;
    await readGgufModel(path, AbortSignal.timeout(5_000)).then(
      (file) => {
        if (estimated(file)) estimates++;
      },
      (error: unknown) => {
        assert.ok(error instanceof TandemError && error.code === "bad-input", `round ${round}: ${String(error)}`);
        refusals++;
      },
    );
    await readGguf(path, AbortSignal.timeout(5_000));
    assert.ok(process.memoryUsage().heapUsed - heapBytes < 64 << 20, `round ${round} took memory`);
  }
  // Both happen, or the changes do not reach what they should.
  assert.ok(refusals > 300 && refusals < 1_400 && estimates > 100, `${refusals} refusals, ${estimates} estimates`);
});

/** Whether what was read says enough; then it can be reckoned with. */
function estimated(file: GgufModel): boolean {
  const model = toEstimatedModel(file);
  if ("kind" in model) return false;
  const { totalBytes } = estimate(model, { ...DEFAULT_PLAN, contextTokens: 8_192, gpus: [{ id: "gpu", share: 1 }] });
  assert.ok(Number.isFinite(totalBytes) && totalBytes >= 0);
  return true;
}

test("shards are one model", async () => {
  await using place = await makePlace();
  const count = {
    "split.count": { kind: "uint32", value: 2 },
    "split.tensors.count": { kind: "uint32", value: 2 },
  } as const;
  const first = join(place.folder, "model-00001-of-00002.gguf");
  const second = join(place.folder, "model-00002-of-00002.gguf");
  await writeFile(first, withData(gguf({ ...metadata, ...count }, undefined, [matrix])));
  await assert.rejects(readGgufModel(first, never), isRefused(/00002-of-00002.*cannot be opened/));
  await writeFile(second, withData(gguf({ "split.count": count["split.count"] }, undefined, [vector])));
  const model = await readGgufModel(first, never);
  assert.deepEqual(
    model.tensors.map((it) => it.name),
    [matrix.name, vector.name],
  );
  await assert.rejects(readGgufModel(second, never), isRefused(/not named as the first/));
  await writeFile(second, withData(gguf({}, undefined, [])));
  await assert.rejects(readGgufModel(first, never), isRefused(/hold 1 tensors, not 2/));
});

test("a shard that claims a million others asks for none of them", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "model-00001-of-00002.gguf");
  await writeFile(path, withData(gguf({ "split.count": { kind: "uint32", value: 1_000_000 } }, undefined, [])));
  await assert.rejects(readGgufModel(path, never), isRefused(/one of 1000000 files/));
});

async function readBytes(bytes: Buffer) {
  await using place = await makePlace();
  const path = join(place.folder, "model.gguf");
  await writeFile(path, bytes);
  return await readGgufModel(path, AbortSignal.timeout(10_000));
}

function isRefused(why: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof TandemError && error.code === "bad-input" && why.test(error.message);
}

function withData(header: Buffer): Buffer {
  return Buffer.concat([header, Buffer.alloc(1_024)]);
}

function edited(edit: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(good);
  edit(bytes);
  return bytes;
}

function raw(type: number, bytes: Buffer): Buffer {
  return withData(gguf({ odd: { kind: "raw", type, bytes } }));
}

function tensors(...list: readonly GgufTensor[]): Buffer {
  return withData(gguf({}, undefined, list));
}

function aligned(bytes: number): Buffer {
  return withData(gguf({ "general.alignment": { kind: "uint32", value: bytes } }, undefined, [matrix]));
}

/** What breaks parsers: another byte, a number at its limits, a piece that stands somewhere else. */
function mutate(bytes: Buffer, headerBytes: number, random: (below: number) => number): void {
  const at = random(headerBytes - 8);
  switch (random(5)) {
    case 0:
      bytes[at] = random(256);
      break;
    case 1:
      bytes.writeBigUInt64LE([0n, 1n, huge, 2n ** 64n - 1n, 2n ** 32n, 2n ** 53n][random(6)] ?? 0n, at);
      break;
    case 2:
      bytes.writeUInt32LE([0, 0xffffffff, 9, 8, 0x7fffffff][random(5)] ?? 0, at);
      break;
    case 3:
      bytes.copyWithin(at, random(headerBytes), random(headerBytes));
      break;
    default:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
  }
}

/** The same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
