import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { TandemError, throwIfAborted } from "../errors.ts";

/** The format's own limit is 100 MB; the largest models' headers take less than one. */
const MAX_HEADER_BYTES = 16 << 20;
/** Mixtures with one tensor an expert have some 50,000. */
const MAX_TENSORS = 1 << 18;
const MAX_DIMENSIONS = 16;
const LENGTH_BYTES = 8;

/** Bits of one element, as the format names its types. */
const BITS: Readonly<Record<string, number>> = {
  F64: 64,
  I64: 64,
  U64: 64,
  F32: 32,
  I32: 32,
  U32: 32,
  F16: 16,
  BF16: 16,
  I16: 16,
  U16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  I8: 8,
  U8: 8,
  BOOL: 8,
  F6_E3M2: 6,
  F6_E2M3: 6,
  F4: 4,
};

const Tensor = z.object({
  dtype: z.string(),
  shape: z.array(z.int().nonnegative()).max(MAX_DIMENSIONS),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/**
 * Bytes of all tensors in a safetensors file. Only its header is read; a tensor that does not lie within the file, or whose size is not
 * what its type and shape say, makes it one that is not believed. Throws TandemError bad-input.
 */
export async function safetensorsBytes(path: string, signal: AbortSignal): Promise<number> {
  throwIfAborted(signal);
  const file = await open(path, "r").catch((cause: unknown) => {
    throw refused(path, "it cannot be opened", cause);
  });
  await using _closed = file;
  const found = await file.stat();
  if (!found.isFile()) throw refused(path, "it is not a file");
  const header = await readHeader(file, { path, fileBytes: found.size });
  const tensors = Object.entries(header.values).filter(([name]) => name !== "__metadata__");
  if (tensors.length > MAX_TENSORS) throw refused(path, `it claims to have ${tensors.length} tensors`);
  let bytes = 0;
  for (const [name, value] of tensors) {
    const tensor = Tensor.safeParse(value);
    const label = name.slice(0, 100);
    if (!tensor.success) throw refused(path, `${label} is not described as a tensor is`);
    const { dtype, shape, data_offsets: offsets } = tensor.data;
    const [from, to] = offsets;
    if (to < from || to > header.dataBytes) throw refused(path, `${label} does not lie within the file`);
    const bits = BITS[dtype];
    const elements = shape.reduce((product, it) => product * it, 1);
    // A type that came later is believed as far as the file goes.
    if (bits !== undefined && Math.ceil((elements * bits) / 8) !== to - from)
      throw refused(path, `${label} is not as large as its type and shape say`);
    bytes += to - from;
  }
  if (bytes > header.dataBytes) throw refused(path, "its tensors lie over each other");
  return bytes;
}

interface Header {
  readonly values: Readonly<Record<string, unknown>>;
  /** What comes after the header. */
  readonly dataBytes: number;
}

async function readHeader(
  file: FileHandle,
  { path, fileBytes }: { readonly path: string; readonly fileBytes: number },
): Promise<Header> {
  if (fileBytes < LENGTH_BYTES + 2) throw refused(path, "it is too short");
  const length = (await bytesAt(file, 0, LENGTH_BYTES)).readBigUInt64LE();
  if (length > BigInt(MAX_HEADER_BYTES) || LENGTH_BYTES + Number(length) > fileBytes)
    throw refused(path, `it claims a header of ${length} bytes`);
  const text = (await bytesAt(file, LENGTH_BYTES, Number(length))).toString("utf8");
  // A list, or text, is valid JSON and no header; depth is no danger to JSON.parse, which throws.
  const parsed = z.record(z.string(), z.unknown()).safeParse(tryJson(text));
  if (!parsed.success) throw refused(path, "its header is not what safetensors files begin with");
  return { values: parsed.data, dataBytes: fileBytes - LENGTH_BYTES - Number(length) };
}

async function bytesAt(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // what is no JSON is no header
  }
}

function refused(path: string, why: string, cause?: unknown): TandemError {
  const nextStep = "Download it again, or name the folder of a model in safetensors format";
  return new TandemError("bad-input", `${path} is not used: ${why}`, nextStep, cause === undefined ? {} : { cause });
}
