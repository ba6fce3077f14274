import { readdir, readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { TandemError } from "./errors.ts";
import type { Files } from "./ports.ts";

/** Nothing that large is source code. It is the same for the command line's `--file`. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The files of this machine. URIs of other schemes are files that are not there. */
export function createFiles(): Files {
  return {
    async readText(uri) {
      const path = pathOf(uri);
      if (!path) return null;
      let bytes: Buffer;
      try {
        const found = await stat(path);
        // A device or a pipe may never end, and a huge file ends the process that serves everybody.
        if (!found.isFile() || found.size > MOST_BYTES) throw notSource(path);
        bytes = await readFile(path);
      } catch (error) {
        if (isMissing(error)) return null;
        if (error instanceof TandemError) throw error;
        throw new TandemError(
          "bad-input",
          `${path} cannot be read: ${error instanceof Error ? error.message : error}`,
          "Check the file's permissions",
          { cause: error },
        );
      }
      return decode(bytes, path);
    },
    async list(folderUri) {
      const path = pathOf(folderUri);
      if (!path) return [];
      try {
        return await readdir(path);
      } catch (error) {
        if (isMissing(error)) return [];
        throw error;
      }
    },
  };
}

/** Text, if it is valid UTF-8 without NUL; anything else would not survive being written back. */
export function decode(bytes: Uint8Array, path: string): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch (error) {
    throw new TandemError(
      "bad-input",
      `${path} is not UTF-8 text`,
      "Name a source file; convert it to UTF-8 if it is one",
      { cause: error },
    );
  }
  throw new TandemError("bad-input", `${path} is binary`, "Name a source file");
}

function notSource(path: string): TandemError {
  return new TandemError("bad-input", `${path} is no file, or larger than any source file`, "Name a source file");
}

function pathOf(uri: string): string | null {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
