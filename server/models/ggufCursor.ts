import type { FileHandle } from "node:fs/promises";
import { throwIfAborted } from "../errors.ts";

/** Why a file is no GGUF that can be trusted. Its reader decides what that means to a user. */
export class GgufFault extends Error {}

/** Reads a file from its start, a window at a time; nothing it finds there makes it allocate more. */
export interface GgufCursor {
  /** Where it stands, from the start of the file. */
  readonly at: number;
  uint32(): Promise<number>;
  /** Throws GgufFault beyond 2^53, which no file reaches. */
  uint64(): Promise<number>;
  /** The next bytes, valid until the next call. */
  take(bytes: number): Promise<Buffer>;
  /** Throws GgufFault when the file ends before. */
  skip(bytes: number): void;
  /** Goes over so many strings. */
  skipStrings(count: number): Promise<void>;
}

/** A header's strings and numbers come in small pieces; a vocabulary of ten megabytes in some ten of these. */
const WINDOW_BYTES = 1 << 20;
/** The largest vocabularies take some 20 MB. Whoever claims more is not read on. */
const MAX_HEADER_BYTES = 64 << 20;

export function createGgufCursor(file: FileHandle, sizeBytes: number, signal: AbortSignal): GgufCursor {
  const endBytes = Math.min(sizeBytes, MAX_HEADER_BYTES);
  const window = createWindow(file, endBytes, signal);
  let at = 0;

  async function take(bytes: number): Promise<Buffer> {
    const from = at;
    skip(bytes);
    return window.at(from, bytes);
  }

  function skip(bytes: number): void {
    if (at + bytes > endBytes) throw new GgufFault("it ends within its header");
    at += bytes;
  }

  const uint64 = async () => {
    const value = Number((await take(8)).readBigUInt64LE());
    if (!Number.isSafeInteger(value)) throw new GgufFault("it has a length beyond all files");
    return value;
  };
  return {
    get at() {
      return at;
    },
    uint32: async () => (await take(4)).readUInt32LE(),
    uint64,
    take,
    skip,
    async skipStrings(count) {
      for (let left = count; left > 0; ) {
        const here = window.stringsFrom(at, left);
        at = here.endsAt;
        left -= here.count;
        if (left === 0) return;
        skip(await uint64());
        left--;
      }
    },
  };
}

/** A piece of the file, which moves as it is read. */
interface Window {
  at(from: number, bytes: number): Promise<Buffer>;
  /** At most `most` strings that lie whole within it; waiting for each of 200,000 would take longer than reading them. */
  stringsFrom(from: number, most: number): { readonly count: number; readonly endsAt: number };
}

function createWindow(file: FileHandle, endBytes: number, signal: AbortSignal): Window {
  const buffer = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, endBytes));
  let start = 0;
  let filled = 0;

  async function fill(from: number): Promise<void> {
    throwIfAborted(signal);
    start = from;
    filled = 0;
    const wanted = Math.min(buffer.length, endBytes - from);
    while (filled < wanted) {
      const { bytesRead } = await file.read(buffer, filled, wanted - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  }

  return {
    async at(from, bytes) {
      if (bytes > buffer.length) throw new GgufFault("it has a piece that is longer than any");
      if (from < start || from + bytes > start + filled) await fill(from);
      if (bytes > filled) throw new GgufFault("it became shorter while it was read");
      return buffer.subarray(from - start, from - start + bytes);
    },
    stringsFrom(from, most) {
      let count = 0;
      let at = from - start;
      while (count < most && at >= 0 && at + 8 <= filled) {
        const next = at + 8 + Number(buffer.readBigUInt64LE(at));
        if (next > filled) break;
        at = next;
        count++;
      }
      return { count, endsAt: start + at };
    },
  };
}
