import { constants } from "node:fs";
import { access, lstat } from "node:fs/promises";
import { dirname } from "node:path";

/** A folder of Tandem's, looked at without making or changing it. */
export interface FolderState {
  readonly what: string;
  readonly path: string;
  /** `missing`: it is made when needed, which will work. */
  readonly state: "ok" | "missing" | "not-writable" | "not-a-folder" | "not-ours" | "open-to-others";
}

/** `isPrivate`: it holds secrets or sockets, so that nobody else may look into it. */
export async function lookAtFolder(folder: {
  readonly what: string;
  readonly path: string;
  readonly isPrivate: boolean;
}): Promise<FolderState> {
  const { what, path, isPrivate } = folder;
  const stats = await lstat(path).catch(() => null);
  if (!stats) return { what, path, state: (await canBeMade(path)) ? "missing" : "not-writable" };
  const isLinkAllowed = !isPrivate && stats.isSymbolicLink();
  if (!stats.isDirectory() && !isLinkAllowed) return { what, path, state: "not-a-folder" };
  if (isPrivate && process.platform !== "win32") {
    if (stats.uid !== process.geteuid?.()) return { what, path, state: "not-ours" };
    if ((stats.mode & 0o077) !== 0) return { what, path, state: "open-to-others" };
  }
  return { what, path, state: (await isWritable(path)) ? "ok" : "not-writable" };
}

/** The nearest folder above that is there decides. */
async function canBeMade(path: string): Promise<boolean> {
  for (let at = dirname(path); ; at = dirname(at)) {
    const stats = await lstat(at).catch(() => null);
    if (stats) return isWritable(at);
    if (dirname(at) === at) return false;
  }
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}
