import { stat } from "node:fs/promises";
import type { FileIdentity } from "../calibration/record.ts";
import { toEstimatedModel } from "../core/estimateModel.ts";
import type { EstimatedModel } from "../core/memoryShape.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import { readGgufModel } from "../models/ggufModel.ts";

/** A model file as far as memory goes. */
export interface Shape {
  readonly file: FileIdentity;
  /** With all its shards. */
  readonly bytes: number;
  /** Null: its header does not say. */
  readonly model: EstimatedModel | null;
}

/** Headers of so many files are kept; a large vocabulary takes a tenth of a second to go over. */
const MOST_KEPT = 32;

/** Reads each file's header once, and again when the file has changed. */
export function createShapes(): (path: string, signal: AbortSignal) => Promise<Shape> {
  const kept = new Map<string, Shape>();
  return async (path, signal) => {
    const { size, mtimeMs } = await stat(path);
    const file = { path, bytes: size, modifiedMs: mtimeMs };
    const key = JSON.stringify(file);
    const known = kept.get(key);
    if (known) return known;
    const shape = await read(file, signal);
    for (const oldest of kept.keys()) if (kept.size >= MOST_KEPT) kept.delete(oldest);
    kept.set(key, shape);
    return shape;
  };
}

/** A header that this reader refuses may be one that a newer engine takes: then nothing is known but the size. */
async function read(file: FileIdentity, signal: AbortSignal): Promise<Shape> {
  try {
    const header = await readGgufModel(file.path, signal);
    const model = toEstimatedModel(header);
    return { file, bytes: header.fileBytes, model: "kind" in model ? null : model };
  } catch (error) {
    throwIfAborted(signal);
    if (!(error instanceof TandemError)) throw error;
    return { file, bytes: file.bytes, model: null };
  }
}
