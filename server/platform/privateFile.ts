import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { TandemError } from "../errors.ts";

const OTHERS = 0o077;
/** What is private and not ours to write is not read at any length either. */
const MOST_BYTES = 1024 * 1024;
/** On Windows a file that somebody has open at this moment, such as a virus scanner, cannot be replaced. */
const BUSY: ReadonlySet<unknown> = new Set(["EPERM", "EACCES", "EBUSY"]);
const MOST_TRIES = 20;
const PAUSE_MS = 15;

/** Writes a file that only this user can read. Whoever reads it meanwhile sees the old text or the new one, whole. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await replace(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/**
 * The file's text; null when there is none. Throws TandemError not-configured for what others can read or another user has
 * written, since it is neither a secret nor ours.
 */
export async function readPrivateFile(path: string): Promise<string | null> {
  let file: FileHandle;
  try {
    // Without O_NONBLOCK a named pipe would be waited for.
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return null;
    throw refusal(path, "cannot be read", cause);
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > MOST_BYTES) throw refusal(path, "is not a file of Tandem's");
    if (process.platform !== "win32" && stats.uid !== process.geteuid?.())
      throw refusal(path, "belongs to another user");
    if (process.platform !== "win32" && (stats.mode & OTHERS) !== 0) throw refusal(path, "can be read by others");
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function replace(draft: string, path: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await rename(draft, path);
    } catch (error) {
      if (process.platform !== "win32" || tries === MOST_TRIES || !BUSY.has(codeOf(error))) throw error;
      await sleep(PAUSE_MS);
    }
}

function refusal(path: string, why: string, cause?: unknown): TandemError {
  const nextStep = "Delete it: Tandem writes it anew, readable by you alone";
  return new TandemError("not-configured", `${path} ${why}, so it is not used`, nextStep, { cause });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}
