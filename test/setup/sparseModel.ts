import { open } from "node:fs/promises";
import { ggmlType, tensorBytes } from "../../server/core/ggmlTypes.ts";
import { type GgufMetadata, type GgufTensor, gguf } from "../fakes/gguf.ts";

/** A tensor's size, and its type's number in the format. */
export interface TensorShape {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: number;
}

export interface ModelShape {
  readonly name: string;
  readonly metadata: GgufMetadata;
  readonly tensors: readonly TensorShape[];
}

/** What GGUF aligns its tensors to where the header says nothing else. */
const ALIGNMENT_BYTES = 32;

/** Writes a GGUF file that has a model's shape and whose weights are holes: it loads, and takes a few kilobytes. */
export async function writeSparseModel(path: string, { metadata, tensors }: ModelShape): Promise<void> {
  let offset = 0;
  const placed: GgufTensor[] = tensors.map((it) => {
    const at = offset;
    const type = ggmlType(it.type);
    const bytes = type && tensorBytes(it.dimensions, type);
    if (bytes === null) throw new Error(`${it.name} cannot be of type ${it.type}`);
    offset = align(at + bytes);
    return { ...it, offset: at };
  });
  const header = gguf(metadata, undefined, placed);
  await using file = await open(path, "w");
  await file.write(header);
  await file.truncate(align(header.length) + offset);
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
