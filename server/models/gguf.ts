import { open } from "node:fs/promises";
import type { GgufValue } from "../core/ggufFile.ts";
import { createGgufCursor, GgufFault } from "./ggufCursor.ts";
import { readPairs, readStart } from "./ggufMetadata.ts";

/** What the header of a GGUF file tells before anything is loaded. */
export interface GgufHeader {
  readonly hasChatTemplate: boolean;
  /** What the model was trained for; null when the header does not say. */
  readonly contextTokens: number | null;
}

/**
 * Reads the metadata of a GGUF file (llama.cpp's format, version 2 and 3), or null when it is none. Lengths in the file
 * are believed only as far as its bytes go: nothing is allocated by them, and a damaged header yields what was read so far.
 */
export async function readGguf(path: string, signal: AbortSignal): Promise<GgufHeader | null> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const cursor = createGgufCursor(file, size, signal);
  let hasChatTemplate = false;
  let contextTokens: number | null = null;
  try {
    const start = await readStart(cursor, size);
    if (start === null) return null;
    await readPairs(cursor, start.pairCount, (key, value) => {
      if (key === "tokenizer.chat_template") hasChatTemplate = isText(value);
      if (key.endsWith(".context_length")) contextTokens = count(value);
      return hasChatTemplate && contextTokens !== null ? "enough" : "go on";
    });
  } catch (error) {
    if (!(error instanceof GgufFault)) throw error;
  }
  return { hasChatTemplate, contextTokens };
}

function isText(value: GgufValue): boolean {
  return value.kind === "skipped" || (value.kind === "text" && value.value !== "");
}

function count(value: GgufValue): number | null {
  return value.kind === "number" && Number.isSafeInteger(value.value) && value.value > 0 ? value.value : null;
}
