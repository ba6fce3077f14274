import { statfs } from "node:fs/promises";
import { TandemError } from "../errors.ts";

/** Free bytes for this user on the file system that holds `folder`. */
export type FreeBytes = (folder: string) => Promise<number>;

/** Left free on the disk, so that a download does not bring the machine to a halt. */
const MARGIN_BYTES = 200_000_000;

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Throws no-space, saying how much is missing, unless `bytes` more fit into `folder`. */
export async function checkSpace(folder: string, bytes: number, free: FreeBytes): Promise<void> {
  const missingBytes = bytes + MARGIN_BYTES - (await free(folder));
  if (missingBytes <= 0) return;
  throw new TandemError(
    "no-space",
    `Not enough space for the model: ${size(bytes)} are to be downloaded, and ${size(missingBytes)} more must be free in ${folder}`,
    "Free that much, point TANDEM_CACHE at a folder on a larger disk, or name a smaller model",
    { details: { missingBytes, folder } },
  );
}

function size(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.ceil(bytes / 1e6)} MB`;
}
