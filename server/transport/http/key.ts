import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { readPrivateFile, writePrivateFile } from "../../platform/privateFile.ts";
import { ensurePrivateFolder } from "../../platform/privateFolder.ts";

/** The key that clients of the HTTP door send, in a file that only this user can read. */
export interface KeyFile {
  readonly path: string;
  /** The key of this moment, also when another process has just made a new one; "" when the file is gone, which no client's key matches. */
  current(): Promise<string>;
}

const KEY_BYTES = 32;
/** Who writes a key of his own into the file must not make it guessable. */
const LEAST_CHARS = 20;

/** The key file of this user; made at the first use. Throws TandemError not-configured when it is no secret or holds none. */
export async function loadKey(stateFolder: string): Promise<KeyFile> {
  const path = keyPath(stateFolder);
  if ((await readPrivateFile(path)) === null) await rotateKey(stateFolder);
  let known = { stamp: stampOf(path), key: await read(path) };
  return {
    path,
    async current() {
      const stamp = stampOf(path);
      // The stamp is taken before the text: at worst the text is newer, and read once more.
      if (stamp !== known.stamp) known = { stamp, key: stamp === null ? "" : await read(path) };
      return known.key;
    },
  };
}

/** Makes a new key; the old one is refused from the next request on. Returns the file it is in. */
export async function rotateKey(stateFolder: string): Promise<string> {
  await ensurePrivateFolder(stateFolder);
  const path = keyPath(stateFolder);
  await writePrivateFile(path, `tandem-${randomBytes(KEY_BYTES).toString("base64url")}\n`);
  return path;
}

function keyPath(stateFolder: string): string {
  return join(stateFolder, "http-key");
}

async function read(path: string): Promise<string> {
  const key = (await readPrivateFile(path))?.trim() ?? "";
  if (/^[!-~]*$/.test(key) && key.length >= LEAST_CHARS) return key;
  throw new TandemError("not-configured", `${path} holds no key`, "Delete it, or make a new one: tandem key rotate");
}

/** Changes with every write, since a new key comes as a new file. */
function stampOf(path: string): string | null {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? [stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size].join(":") : null;
}
