import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { EngineSpec } from "../engineSpec.ts";
import type { Engine } from "../ports.ts";
import { parseAddress } from "./address.ts";

/** Read at the beginning, where a GGUF tells what it is, and at its end. */
const ENDS_BYTES = 1024 * 1024;
const SAMPLES = 32;
const SAMPLE_BYTES = 64 * 1024;
const NAME_CHARS = 32;

/** What the engine's vectors come from, in words that stay the same while the vectors do. */
export async function vectorSourceOf(spec: EngineSpec, engine: Pick<Engine, "model">): Promise<string> {
  switch (spec.kind) {
    case "embedded":
    case "llama-server":
      // The same file makes the same vectors in both.
      return `gguf:${await fileDigest(spec.path)}`;
    case "vllm":
      return `vllm:${spec.source}:${spec.quantization ?? "auto"}`;
    case "endpoint":
      return `${parseAddress(spec.url).host}:${engine.model.id}`;
  }
}

/**
 * The file's size, its ends and pieces spread over it evenly: a model has gigabytes, and two that differ do so in their first megabyte or
 * all over their weights.
 */
export async function fileDigest(path: string): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const hash = createHash("sha256").update(`${size}`);
  const add = async (position: number, bytes: number) => {
    const buffer = Buffer.alloc(Math.min(bytes, Math.max(0, size - position)));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    hash.update(buffer.subarray(0, bytesRead));
  };
  await add(0, ENDS_BYTES);
  if (size > 2 * ENDS_BYTES)
    for (let at = 1; at <= SAMPLES; at++) await add(Math.floor((at * size) / (SAMPLES + 1)), SAMPLE_BYTES);
  if (size > ENDS_BYTES) await add(Math.max(ENDS_BYTES, size - ENDS_BYTES), ENDS_BYTES);
  return hash.digest("hex").slice(0, NAME_CHARS);
}
