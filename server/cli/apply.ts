import { constants } from "node:fs";
import { access, chmod, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { slice, splice } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import { createFiles } from "../files.ts";
import type { FileEdit } from "../protocol/source.ts";

/** A file before and after its edit. */
export interface Change {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/**
 * What the edit makes of the file as it is now; `seen` is the text the request sent of it. Throws TandemError bad-input when
 * the file is no longer what the edit was made for: an insertion, which replaces nothing, needs it to be the very same.
 */
export async function toChange(edit: FileEdit, seen: string | null): Promise<Change> {
  const path = fileURLToPath(edit.uri);
  const now = await createFiles().readText(edit.uri);
  const base = edit.base ?? seen;
  const isSame = now !== null && slice(now, edit.range) === edit.before && (edit.before.trim() !== "" || now === base);
  const isStale = edit.isNewFile ? now !== null : !isSame;
  if (isStale)
    throw new TandemError(
      "bad-input",
      `${path} changed while the draft was written; it was left as it is`,
      "Run it again on the file as it is now",
    );
  const before = now ?? "";
  return { path, before, after: splice(before, edit.range, edit.after) };
}

/** Writes beside the file and renames over it: whoever reads it sees the old text or the new one, never half. */
export async function writeChange({ path, after }: Change): Promise<void> {
  const target = await realpath(path).catch(() => path);
  await refuseReadOnly(target);
  const temporary = join(dirname(target), `.tandem-${process.pid}-${Date.now()}.tmp`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const mode = await modeOf(target);
    await using file = await open(temporary, "wx");
    await file.writeFile(after, "utf8");
    await file.sync();
    if (mode !== null) await chmod(temporary, mode);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    const isFull = cause instanceof Error && "code" in cause && cause.code === "ENOSPC";
    const why = isFull ? "the disk is full" : cause instanceof Error ? cause.message : String(cause);
    throw new TandemError(
      isFull ? "no-space" : "bad-input",
      `${path} could not be written: ${why}`,
      isFull ? "Free some space; the file is as it was" : "Check the folder's permissions; the file is as it was",
      { cause },
    );
  }
}

/** A rename asks only the folder; a file that was made read-only is left alone all the same. */
async function refuseReadOnly(path: string): Promise<void> {
  const mode = await modeOf(path);
  const isWritable =
    mode === null ||
    ((mode & ANYONE_WRITES) !== 0 &&
      (await access(path, constants.W_OK).then(
        () => true,
        () => false,
      )));
  if (!isWritable)
    throw new TandemError(
      "bad-input",
      `${path} is read-only`,
      "Make it writable first, or leave --apply out to see the change",
    );
}

const ANYONE_WRITES = 0o222;

async function modeOf(path: string): Promise<number | null> {
  return await stat(path).then(
    (it) => it.mode,
    () => null,
  );
}
