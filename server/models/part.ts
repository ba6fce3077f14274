import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { TandemError, throwIfAborted } from "../errors.ts";

/** A file being written: it only grows, knows the hash of what it holds, and is moved into place when it is right. */
export interface PartFile extends AsyncDisposable {
  readonly bytes: number;
  /** What an earlier run left. */
  readonly resumedBytes: number;
  readonly isLanded: boolean;
  append(chunk: Uint8Array): Promise<void>;
  /** Keeps the first `bytes`, which must be there. */
  cutTo(bytes: number, signal: AbortSignal): Promise<void>;
  /** Of everything up to here, in hex. */
  sha256(): string;
  /** On the disk for good, then under its name in one step. The part is closed. */
  land(path: string): Promise<void>;
}

/** Bytes read at a time while hashing what is there. */
const READ_BYTES = 1 << 20;

/** Opens or creates the part; what is in it already is hashed. */
export async function openPart(path: string, signal: AbortSignal): Promise<PartFile> {
  const file = await openForUpdate(path);
  const digest = createDigest(file);
  let resumedBytes = 0;
  let isOpen = true;
  let isLanded = false;
  async function close(): Promise<void> {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  }
  try {
    await digest.reread((await file.stat()).size, signal);
    resumedBytes = digest.bytes;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    get bytes() {
      return digest.bytes;
    },
    get resumedBytes() {
      return resumedBytes;
    },
    get isLanded() {
      return isLanded;
    },
    async append(chunk) {
      await writeWhole(file, chunk, digest.bytes).catch((cause: unknown) => {
        throw fromDisk(cause, path);
      });
      digest.add(chunk);
    },
    async cutTo(wanted, cancel) {
      await file.truncate(wanted);
      await digest.reread(wanted, cancel);
      resumedBytes = Math.min(resumedBytes, wanted);
    },
    sha256: digest.sha256,
    async land(target) {
      await file.sync().catch((cause: unknown) => {
        throw fromDisk(cause, path);
      });
      await close();
      await rename(path, target);
      isLanded = true;
    },
    [Symbol.asyncDispose]: close,
  };
}

/** The hash of the file's first `bytes` bytes, kept up as it grows. */
interface Digest {
  readonly bytes: number;
  add(chunk: Uint8Array): void;
  /** Starts anew with what stands in the file up to `upTo`. */
  reread(upTo: number, signal: AbortSignal): Promise<void>;
  sha256(): string;
}

function createDigest(file: FileHandle): Digest {
  let hash: Hash = createHash("sha256");
  let bytes = 0;
  function add(chunk: Uint8Array): void {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return {
    get bytes() {
      return bytes;
    },
    add,
    async reread(upTo, signal) {
      hash = createHash("sha256");
      bytes = 0;
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      while (bytes < upTo) {
        throwIfAborted(signal);
        const { bytesRead } = await file.read(buffer, 0, Math.min(READ_BYTES, upTo - bytes), bytes);
        if (bytesRead === 0) break;
        add(buffer.subarray(0, bytesRead));
      }
    },
    sha256: () => hash.copy().digest("hex"),
  };
}

async function writeWhole(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position + done);
    done += bytesWritten;
  }
}

/** Hash of a whole file, in hex. */
export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  await using file = await open(path, "r");
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
    if (bytesRead === 0) return hash.digest("hex");
    hash.update(buffer.subarray(0, bytesRead));
  }
}

/** A part and what was noted about it. */
export async function dropPart(path: string): Promise<void> {
  await rm(path, { force: true });
  await rm(`${path}.json`, { force: true });
}

/** Node has no flag for "read and write, create, keep what is there". */
async function openForUpdate(path: string) {
  const created = await open(path, "a");
  await created.close();
  return open(path, "r+");
}

function fromDisk(cause: unknown, path: string): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  if (code !== "ENOSPC" && code !== "EDQUOT") return cause;
  return new TandemError(
    "no-space",
    "The disk became full while a model was being downloaded",
    `Free some space and try again: the download goes on where it stopped. Deleting ${path} gives back what it took so far`,
    { cause },
  );
}
