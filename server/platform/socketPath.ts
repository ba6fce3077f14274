import { posix } from "node:path";
import { TandemError } from "../errors.ts";

/** Bytes of a socket's path, without the zero that ends it. */
const MOST_BYTES = { darwin: 103, other: 107 };

/**
 * Where to listen: a socket in `folder`, or a pipe on Windows, where all users share one space of names. Throws TandemError
 * not-configured when the path is too long for a socket.
 */
export function socketPath(folder: string, name: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === "win32") return `\\\\.\\pipe\\tandem-${name}`;
  const path = posix.join(folder, `${name}.sock`);
  const bytes = Buffer.byteLength(path);
  const most = platform === "darwin" ? MOST_BYTES.darwin : MOST_BYTES.other;
  if (bytes <= most) return path;
  throw new TandemError(
    "not-configured",
    `The path of Tandem's socket has ${bytes} bytes, and this system allows ${most}: ${path}`,
    "Name a folder with a short path in TANDEM_RUNTIME",
  );
}
