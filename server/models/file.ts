import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { ModelInfo } from "../protocol/models.ts";
import { type CatalogueEntry, toModelInfo } from "./catalogue.ts";
import { readGguf } from "./gguf.ts";

/** What engines are asked for when a user's own file says nothing smaller: room for a function, its surroundings and an answer. */
const CONTEXT_TOKENS = 8_192;

/** The path that `file:…`, or a plain path ending in `.gguf`, stands for; null for a catalogue id. */
export function modelPath(id: string): string | null {
  const isFile = id.startsWith("file:");
  if (!isFile && !id.toLowerCase().endsWith(".gguf")) return null;
  if (id.startsWith("file://")) return urlPath(id);
  const path = isFile ? id.slice("file:".length) : id;
  return resolve(/^~[\\/]/.test(path) ? join(homedir(), path.slice(2)) : path);
}

/** A user's own GGUF. Throws bad-input when there is none at `path`. */
export async function openModelFile(
  path: string,
  catalogue: readonly CatalogueEntry[],
  signal: AbortSignal,
): Promise<ModelInfo> {
  throwIfAborted(signal);
  const found = await stat(path).catch(() => null);
  if (!found) throw badInput(`There is no model file at ${path}`);
  if (!found.isFile()) throw badInput(`${path} is not a file`);
  const header = await readGguf(path, signal).catch((cause: unknown) => {
    throw badInput(`${path} cannot be read`, cause);
  });
  if (header === null) throw badInput(`${path} is not a GGUF file`);
  const name = basename(path).replace(/\.gguf$/i, "");
  const id = `file:${path}`;
  const known = catalogue.find((it) => it.bytes === found.size && namesOf(it).includes(name.toLowerCase()));
  if (known) return { ...toModelInfo(known), id };
  return {
    id,
    label: name,
    parametersB: parametersOf(name),
    quantisation: /(?:^|[-._])((?:i?q\d\w*|bf16|f16|f32|mxfp4)(?:_\w+)*)$/i.exec(name)?.[1]?.toUpperCase() ?? null,
    contextTokens: Math.min(CONTEXT_TOKENS, header.contextTokens ?? CONTEXT_TOKENS),
    promptStyle: header.hasChatTemplate ? "chat" : "completion",
    isTrial: false,
  };
}

/** What a catalogue model's file is called: by us, and where it came from. */
function namesOf(entry: CatalogueEntry): readonly string[] {
  const fromUrls = entry.sources.map((it) => (it.kind === "url" ? basename(new URL(it.url).pathname) : ""));
  return [entry.id, ...fromUrls.map((it) => it.replace(/\.gguf$/i, "").toLowerCase())];
}

function parametersOf(name: string): number | null {
  const billions = Number(/(?:^|[-_.])(\d+(?:\.\d+)?)b(?=$|[-_.])/i.exec(name)?.[1]);
  return billions > 0 ? billions : null;
}

function urlPath(id: string): string {
  try {
    return fileURLToPath(id);
  } catch (cause) {
    throw badInput(`${id} is not the address of a file on this machine`, cause);
  }
}

function badInput(message: string, cause?: unknown): TandemError {
  return new TandemError(
    "bad-input",
    message,
    'Name a GGUF file as "file:/path/to/model.gguf", or a model of the catalogue ("tandem models" lists them)',
    cause === undefined ? {} : { cause },
  );
}
