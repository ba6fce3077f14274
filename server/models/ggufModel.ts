import { type FileHandle, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ggmlType, tensorBytes } from "../core/ggmlTypes.ts";
import type { GgufModel, GgufTensor, GgufValue } from "../core/ggufFile.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import { createGgufCursor, type GgufCursor, GgufFault } from "./ggufCursor.ts";
import { checkCounts, readPairs, readStart, readText } from "./ggufMetadata.ts";

/** llama.cpp's own limit. */
const MAX_TENSOR_NAME_BYTES = 128;
const MAX_DIMENSIONS = 4;
/** The largest models come in some 60. */
const MAX_SHARDS = 1_000;
const DEFAULT_ALIGNMENT_BYTES = 32;
const MAX_ALIGNMENT_BYTES = 1 << 20;

/**
 * Values and tensors of the GGUF file at `path`; named as the first of several (`-00001-of-00003.gguf`), of all of them. Only
 * headers are read. A tensor that does not lie within its file is refused, as is everything else that cannot be.
 * Throws TandemError bad-input.
 */
export async function readGgufModel(path: string, signal: AbortSignal): Promise<GgufModel> {
  const first = await readFile(path, signal);
  const shards = shardPaths(path, numberOf(first.values.get("split.count")) ?? 1);
  const others: GgufModel[] = [];
  for (const shard of shards.slice(1)) others.push(await readFile(shard, signal));
  const all = [first, ...others];
  const tensors = all.flatMap((it) => it.tensors);
  const promised = numberOf(first.values.get("split.tensors.count"));
  if (shards.length > 1 && promised !== null && promised !== tensors.length)
    throw refused(path, `its ${shards.length} files hold ${tensors.length} tensors, not ${promised}`);
  if (new Set(tensors.map((it) => it.name)).size !== tensors.length) throw refused(path, "it lists a tensor twice");
  return { values: first.values, tensors, fileBytes: all.reduce((sum, it) => sum + it.fileBytes, 0) };
}

async function readFile(path: string, signal: AbortSignal): Promise<GgufModel> {
  throwIfAborted(signal);
  const file = await open(path, "r").catch((cause: unknown) => {
    throw refused(path, "it cannot be opened", cause);
  });
  await using _closed = file;
  try {
    return await readOpened(file, signal);
  } catch (error) {
    if (error instanceof GgufFault) throw refused(path, error.message, error);
    throw error;
  }
}

async function readOpened(file: FileHandle, signal: AbortSignal): Promise<GgufModel> {
  const found = await file.stat();
  if (!found.isFile()) throw new GgufFault("it is not a file");
  const cursor = createGgufCursor(file, found.size, signal);
  const start = await readStart(cursor, found.size);
  if (start === null) throw new GgufFault("it is not a GGUF file");
  checkCounts(start);
  const values = new Map<string, GgufValue>();
  await readPairs(cursor, start.pairCount, (key, value) => {
    if (values.has(key)) throw new GgufFault("it gives a value twice");
    values.set(key, value);
    return "go on";
  });
  const placed: Placed[] = [];
  for (let index = 0; index < start.tensorCount; index++) placed.push(await readTensor(cursor));
  const alignmentBytes = alignmentOf(values);
  const dataAt = Math.ceil(cursor.at / alignmentBytes) * alignmentBytes;
  for (const { tensor, offset } of placed) {
    if (offset % alignmentBytes !== 0) throw new GgufFault(`${tensor.name} does not lie where tensors may`);
    if (dataAt + offset + tensor.bytes > found.size) throw new GgufFault(`${tensor.name} does not lie within the file`);
  }
  return { values, tensors: placed.map((it) => it.tensor), fileBytes: found.size };
}

interface Placed {
  readonly tensor: GgufTensor;
  readonly offset: number;
}

async function readTensor(cursor: GgufCursor): Promise<Placed> {
  const name = await readText(cursor, MAX_TENSOR_NAME_BYTES);
  const count = await cursor.uint32();
  if (count > MAX_DIMENSIONS) throw new GgufFault(`${name} has ${count} dimensions`);
  const dimensions: number[] = [];
  for (let index = 0; index < count; index++) dimensions.push(await cursor.uint64());
  const id = await cursor.uint32();
  const type = ggmlType(id);
  if (type === null) throw new GgufFault(`${name} is of type ${id}, which llama.cpp does not know`);
  const bytes = tensorBytes(dimensions, type);
  if (bytes === null) throw new GgufFault(`${name} cannot have ${dimensions.join(" x ")} elements`);
  return { tensor: { name, type: type.name, dimensions, bytes }, offset: await cursor.uint64() };
}

function alignmentOf(values: ReadonlyMap<string, GgufValue>): number {
  const bytes = numberOf(values.get("general.alignment")) ?? DEFAULT_ALIGNMENT_BYTES;
  const isPower = Number.isInteger(Math.log2(bytes));
  if (!isPower || bytes < 1 || bytes > MAX_ALIGNMENT_BYTES)
    throw new GgufFault(`tensors cannot be aligned to ${bytes}`);
  return bytes;
}

/** Shards lie beside the first one and are named like it. The count is the file's own, so it is checked against the name. */
function shardPaths(path: string, count: number): readonly string[] {
  if (count <= 1) return [path];
  const [, stem, number, total] = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/i.exec(basename(path)) ?? [];
  if (stem === undefined || Number(number) !== 1 || Number(total) !== count || count > MAX_SHARDS)
    throw refused(path, `it is one of ${count} files and not named as the first of them (NAME-00001-of-0000N.gguf)`);
  return Array.from({ length: count }, (_, index) =>
    join(dirname(path), `${stem}-${String(index + 1).padStart(5, "0")}-of-${total}.gguf`),
  );
}

function numberOf(value: GgufValue | undefined): number | null {
  return value?.kind === "number" ? value.value : null;
}

function refused(path: string, reason: string, cause?: unknown): TandemError {
  return new TandemError(
    "bad-input",
    `${path} cannot be used: ${reason}`,
    "Name a GGUF file that llama.cpp can load; one that was cut short must be fetched again",
    cause === undefined ? {} : { cause },
  );
}
