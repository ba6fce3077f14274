import { readFile, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { hashFile } from "./part.ts";

/** Written beside a verified file. As long as size and time still match, gigabytes need not be hashed at every start. */
const Record = z.object({ bytes: z.number(), mtimeMs: z.number(), sha256: z.string() });

interface Wanted {
  readonly bytes: number;
  readonly sha256: string | null;
}

/** Whether the file is there and was verified before; reads a few bytes at most. */
export async function isRecorded(path: string, wanted: Wanted): Promise<boolean> {
  const file = await stat(path).catch(() => null);
  if (!file?.isFile()) return false;
  const record = await readRecord(path);
  if (record === null || record.bytes !== file.size || record.mtimeMs !== file.mtimeMs) return false;
  return wanted.sha256 === null || record.sha256 === wanted.sha256;
}

/** As `isRecorded`, and a file without a record, which somebody put there by hand, is hashed once. */
export async function isVerified(path: string, wanted: Wanted, signal: AbortSignal): Promise<boolean> {
  if (await isRecorded(path, wanted)) return true;
  const file = await stat(path).catch(() => null);
  if (wanted.sha256 === null || file?.size !== wanted.bytes) return false;
  if ((await hashFile(path, signal)) !== wanted.sha256) return false;
  await record(path, wanted.sha256);
  return true;
}

/** Notes that the file at `path` has been verified. */
export async function record(path: string, sha256: string): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  await writeFile(`${path}.json`, JSON.stringify({ bytes: size, mtimeMs, sha256 } satisfies z.input<typeof Record>));
}

async function readRecord(path: string): Promise<z.output<typeof Record> | null> {
  try {
    return Record.parse(JSON.parse(await readFile(`${path}.json`, "utf8")));
  } catch {
    // No record, or a damaged one: the file counts as not verified.
    return null;
  }
}
