import type { FoundModel, FoundServer } from "../protocol/registry.ts";
import type { EndpointSource, LocalSource } from "./assign.ts";

/** A model file of this machine, as a load would take it. */
export interface FileHere {
  readonly path: string;
  readonly bytes: number;
}

/** What a server says of its weights leaves out the file's head, some tenths of a percent to a few percent. */
const SAME_SIZE = 0.9;

/**
 * The found server that has this very model loaded already: the same file, or a file of the same name and about the same size. Null: none.
 * Not one that needs a key, belongs to somebody else, or gives the model less context than it is to have. Only who writes is looked for:
 * a server does not say whether it makes vectors.
 */
export function alreadyServed(
  source: LocalSource,
  file: FileHere,
  servers: readonly FoundServer[],
): EndpointSource | null {
  if (source.use !== "write") return null;
  for (const { url, models, needsKey, isForeign } of servers) {
    if (needsKey || isForeign) continue;
    const same = models.find((it) => it.isLoaded === true && isSameModel(it, file) && hasRoom(it, source));
    if (same) return { kind: "endpoint", url, modelName: same.name, apiKey: "" };
  }
  return null;
}

function isSameModel({ name, path, bytes }: FoundModel, file: FileHere): boolean {
  if (path === file.path) return true;
  if (bytes === null || bytes > file.bytes || bytes < file.bytes * SAME_SIZE) return false;
  return [path, name].some((it) => it !== null && baseName(it) === baseName(file.path));
}

function hasRoom({ contextTokens }: FoundModel, source: LocalSource): boolean {
  return source.contextTokens === null || contextTokens === null || contextTokens >= source.contextTokens;
}

function baseName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? path).replace(/\.gguf$/i, "").toLowerCase();
}
