import { open } from "node:fs/promises";
import { throwIfAborted } from "../errors.ts";

/** What the header of a GGUF file tells before anything is loaded. */
export interface GgufHeader {
  readonly hasChatTemplate: boolean;
  /** What the model was trained for; null when the header does not say. */
  readonly contextTokens: number | null;
}

/** How much of the file is read: nearly all headers fit the first, the vocabulary of the largest models the second. */
const WINDOWS_BYTES = [8 << 20, 64 << 20] as const;

/**
 * Reads the metadata of a GGUF file (llama.cpp's format, version 2 and 3), or null when it is none. Lengths in the file
 * are believed only as far as its bytes go: nothing is allocated by them, and a damaged header yields what was read so far.
 */
export async function readGguf(path: string, signal: AbortSignal): Promise<GgufHeader | null> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  let header: Walk = { hasChatTemplate: false, contextTokens: null, end: "damaged" };
  for (const windowBytes of WINDOWS_BYTES) {
    throwIfAborted(signal);
    const buffer = Buffer.allocUnsafe(Math.min(windowBytes, size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const bytes = buffer.subarray(0, bytesRead);
    if (bytes.length < HEADER_BYTES || bytes.toString("latin1", 0, 4) !== "GGUF") return null;
    header = walk(bytes);
    if (header.end !== "more" || bytesRead === size) break;
  }
  return { hasChatTemplate: header.hasChatTemplate, contextTokens: header.contextTokens };
}

/** Magic, version, tensor count, pair count. */
const HEADER_BYTES = 24;
/** Arrays in arrays; the format allows any depth, files use one. */
const MAX_DEPTH = 4;
const STRING = 8;
const ARRAY = 9;
/** Bytes of the fixed-size value types, by their number in the format. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** `more`: the bytes ended before the metadata did. */
interface Walk extends GgufHeader {
  readonly end: "complete" | "more" | "damaged";
}

function walk(bytes: Buffer): Walk {
  let hasChatTemplate = false;
  let contextTokens: number | null = null;
  const pairs = Number(bytes.readBigUInt64LE(16));
  let at = HEADER_BYTES;
  for (let pair = 0; pair < pairs; pair++) {
    const keyEnd = endOfString(bytes, at);
    if (keyEnd === null || keyEnd + 4 > bytes.length) return { hasChatTemplate, contextTokens, end: "more" };
    const key = bytes.toString("utf8", at + 8, Math.min(keyEnd, at + 8 + 256));
    const type = bytes.readUInt32LE(keyEnd);
    const valueAt = keyEnd + 4;
    if (!(type in SIZES) && type !== STRING && type !== ARRAY)
      return { hasChatTemplate, contextTokens, end: "damaged" };
    const end = endOfValue(bytes, valueAt, type, 0);
    if (key === "tokenizer.chat_template" && type === STRING) hasChatTemplate = end === null || end > valueAt + 8;
    if (end === null) return { hasChatTemplate, contextTokens, end: "more" };
    if (key.endsWith(".context_length")) contextTokens = wholeNumber(bytes, valueAt, type);
    if (hasChatTemplate && contextTokens !== null) break;
    at = end;
  }
  return { hasChatTemplate, contextTokens, end: "complete" };
}

function wholeNumber(bytes: Buffer, at: number, type: number): number | null {
  if (type === 4) return bytes.readUInt32LE(at) || null;
  if (type !== 10) return null;
  const value = Number(bytes.readBigUInt64LE(at));
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}

/** Where the string at `at` ends, or null when that lies beyond the bytes. */
function endOfString(bytes: Buffer, at: number): number | null {
  if (at + 8 > bytes.length) return null;
  const end = at + 8 + Number(bytes.readBigUInt64LE(at));
  return end <= bytes.length ? end : null;
}

function endOfValue(bytes: Buffer, at: number, type: number, depth: number): number | null {
  if (type === STRING) return endOfString(bytes, at);
  const fixed = SIZES[type];
  if (fixed !== undefined) return at + fixed <= bytes.length ? at + fixed : null;
  if (type !== ARRAY || depth >= MAX_DEPTH || at + 12 > bytes.length) return null;
  const elementType = bytes.readUInt32LE(at);
  const count = Number(bytes.readBigUInt64LE(at + 4));
  const size = SIZES[elementType];
  if (size !== undefined) {
    const end = at + 12 + count * size;
    return end <= bytes.length ? end : null;
  }
  let end: number | null = at + 12;
  // Every element takes at least eight bytes, so a false count ends with the bytes.
  for (let element = 0; element < count && end !== null; element++)
    end = endOfValue(bytes, end, elementType, depth + 1);
  return end;
}
