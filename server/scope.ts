import { realpath } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Files } from "./ports.ts";

/**
 * The files under some folders; anything else is not there, nor is what only a link puts there: whose project it is may be a
 * stranger's, and its files go to endpoints. No folders: all of this machine's, since the client has not said what it has open.
 */
export function withinFolders(files: Files, folderUris: readonly string[]): Files {
  if (folderUris.length === 0) return files;
  const folders = folderUris.flatMap((it) => pathOf(it) ?? []);
  const isWithin = async (uri: string) => {
    const path = pathOf(uri);
    if (path === null) return false;
    const [real, ...realFolders] = await Promise.all([path, ...folders].map(realOf));
    return real !== undefined && realFolders.some((folder) => isBelow(real, folder));
  };
  return {
    readText: async (uri) => ((await isWithin(uri)) ? files.readText(uri) : null),
    list: async (folderUri) => ((await isWithin(folderUri)) ? files.list(folderUri) : []),
  };
}

/** Where the path leads; what is not there leads nowhere else. */
async function realOf(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** The folder a document lies in, as a list of one; a document that is no file has none. */
export function folderOf(uri: string | undefined): string[] {
  return uri !== undefined && pathOf(uri) !== null ? [new URL(".", uri).href] : [];
}

function isBelow(path: string, folder: string): boolean {
  const from = relative(folder, path);
  return from === "" || (from !== ".." && !from.startsWith(`..${sep}`) && !isAbsolute(from));
}

function pathOf(uri: string): string | null {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}
