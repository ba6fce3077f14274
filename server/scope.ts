import { isAbsolute, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Files } from "./ports.ts";

/** The files under some folders; anything else is not there. No folders: all of this machine's, since the client has not said what it has open. */
export function withinFolders(files: Files, folderUris: readonly string[]): Files {
  if (folderUris.length === 0) return files;
  const folders = folderUris.flatMap((it) => pathOf(it) ?? []);
  const isWithin = (uri: string) => {
    const path = pathOf(uri);
    return path !== null && folders.some((folder) => isBelow(path, folder));
  };
  return {
    readText: async (uri) => (isWithin(uri) ? files.readText(uri) : null),
    list: async (folderUri) => (isWithin(folderUri) ? files.list(folderUri) : []),
  };
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
