import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { TandemError } from "../errors.ts";

const OTHERS = 0o077;

/**
 * Sees to it that the folder is there and that nobody but this user can look into it or change it: creates it so, tightens
 * one of ours, and refuses any other. A home folder on Windows is private by what it inherits. Throws TandemError not-configured.
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${cause.code})` : "";
    const nextStep = `See to it that nothing is in its way and that you may create it, or ${ANOTHER}`;
    throw new TandemError("not-configured", `${path} cannot be created${code}`, nextStep, { cause });
  }
  if (process.platform !== "win32") await tighten(path);
}

/** Looks at the folder that it has opened and changes that one, whatever is put in its place meanwhile. */
async function tighten(path: string): Promise<void> {
  let folder: FileHandle;
  try {
    folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw refusal(path, "is a link, not a folder, or another user's", cause);
  }
  try {
    const { uid, mode } = await folder.stat();
    if (uid !== process.geteuid?.()) throw refusal(path, "belongs to another user");
    if ((mode & OTHERS) !== 0) await folder.chmod(0o700);
  } finally {
    await folder.close();
  }
}

const ANOTHER = "name another folder in TANDEM_RUNTIME or TANDEM_STATE";

function refusal(path: string, why: string, cause?: unknown): TandemError {
  const nextStep = `Remove it, or ${ANOTHER}`;
  return new TandemError("not-configured", `${path} ${why}, so Tandem keeps nothing in it`, nextStep, { cause });
}
