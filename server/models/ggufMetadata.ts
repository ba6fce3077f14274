import type { GgufValue } from "../core/ggufFile.ts";
import { type GgufCursor, GgufFault } from "./ggufCursor.ts";

export interface GgufStart {
  readonly tensorCount: number;
  readonly pairCount: number;
}

/** The format's own limit of a key. */
const MAX_KEY_BYTES = 65_535;
/** Files have some fifty. */
const MAX_PAIRS = 65_536;
/** The largest mixtures of experts, one tensor an expert, have some 50,000. */
const MAX_TENSORS = 1 << 18;
/** Texts and arrays that are longer are nothing that anyone here asks for: vocabularies, templates. */
const MAX_TEXT_BYTES = 4_096;
const MAX_NUMBERS = 4_096;
/** Arrays in arrays; the format allows any depth, files use one. */
const MAX_DEPTH = 4;

const STRING = 8;
const ARRAY = 9;
/** Bytes of the fixed-size value types, by their number in the format. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** Null: no GGUF file at all. Throws GgufFault for one that cannot be read here. */
export async function readStart(cursor: GgufCursor, sizeBytes: number): Promise<GgufStart | null> {
  if (sizeBytes < 24) return null;
  if ((await cursor.take(4)).toString("latin1") !== "GGUF") return null;
  const version = await cursor.uint32();
  if (version !== 0 && (version & 0xffff) === 0) throw new GgufFault("its numbers are big-endian");
  if (version !== 2 && version !== 3) throw new GgufFault(`it is of version ${version}, and 2 and 3 are known`);
  return { tensorCount: await cursor.uint64(), pairCount: await cursor.uint64() };
}

/** Throws GgufFault for more than any real file has. */
export function checkCounts({ tensorCount, pairCount }: GgufStart): void {
  if (pairCount > MAX_PAIRS) throw new GgufFault(`it claims to have ${pairCount} values`);
  if (tensorCount > MAX_TENSORS) throw new GgufFault(`it claims to have ${tensorCount} tensors`);
}

/** Calls `onPair` for one after the other, so that who hears of a fault later keeps what came before. */
export async function readPairs(
  cursor: GgufCursor,
  count: number,
  onPair: (key: string, value: GgufValue) => "go on" | "enough",
): Promise<void> {
  for (let pair = 0; pair < count; pair++) {
    const key = await readText(cursor, MAX_KEY_BYTES);
    const type = await cursor.uint32();
    if (onPair(key, await readValue(cursor, type)) === "enough") return;
  }
}

/** Throws GgufFault for a text that is longer than `maxBytes`. */
export async function readText(cursor: GgufCursor, maxBytes: number): Promise<string> {
  const bytes = await cursor.uint64();
  if (bytes > maxBytes) throw new GgufFault(`it has a name of ${bytes} bytes`);
  return (await cursor.take(bytes)).toString("utf8");
}

async function readValue(cursor: GgufCursor, type: number): Promise<GgufValue> {
  if (type === STRING) {
    const bytes = await cursor.uint64();
    if (bytes <= MAX_TEXT_BYTES) return { kind: "text", value: (await cursor.take(bytes)).toString("utf8") };
    cursor.skip(bytes);
    return { kind: "skipped", count: bytes };
  }
  if (type === ARRAY) return readArray(cursor);
  const size = SIZES[type];
  if (size === undefined) throw new GgufFault(`it has a value of type ${type}, which there is not`);
  return { kind: "number", value: toNumber(await cursor.take(size), 0, type) };
}

async function readArray(cursor: GgufCursor): Promise<GgufValue> {
  const type = await cursor.uint32();
  const count = await cursor.uint64();
  const size = SIZES[type];
  if (size === undefined || count > MAX_NUMBERS) {
    await skipElements(cursor, { type, count }, 1);
    return { kind: "skipped", count };
  }
  const bytes = await cursor.take(count * size);
  return { kind: "numbers", value: Array.from({ length: count }, (_, index) => toNumber(bytes, index * size, type)) };
}

interface Elements {
  readonly type: number;
  readonly count: number;
}

/** A false count ends with the file, since every element takes bytes. */
async function skipElements(cursor: GgufCursor, { type, count }: Elements, depth: number): Promise<void> {
  const size = SIZES[type];
  if (size !== undefined) return cursor.skip(count * size);
  if (type === STRING) return cursor.skipStrings(count);
  if (type !== ARRAY || depth >= MAX_DEPTH) throw new GgufFault("it has arrays of what there is not");
  for (let element = 0; element < count; element++)
    await skipElements(cursor, { type: await cursor.uint32(), count: await cursor.uint64() }, depth + 1);
}

function toNumber(bytes: Buffer, at: number, type: number): number {
  switch (type) {
    case 1:
      return bytes.readInt8(at);
    case 2:
      return bytes.readUInt16LE(at);
    case 3:
      return bytes.readInt16LE(at);
    case 4:
      return bytes.readUInt32LE(at);
    case 5:
      return bytes.readInt32LE(at);
    case 6:
      return bytes.readFloatLE(at);
    case 10:
      return Number(bytes.readBigUInt64LE(at));
    case 11:
      return Number(bytes.readBigInt64LE(at));
    case 12:
      return bytes.readDoubleLE(at);
    default:
      return bytes.readUInt8(at);
  }
}
