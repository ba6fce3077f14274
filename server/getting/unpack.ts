import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join, win32 } from "node:path";
import { promisify } from "node:util";
import { extract } from "tar";
import { abortError, TandemError } from "../errors.ts";
import type { Download } from "./things.ts";

const run = promisify(execFile);
const UNPACKING_MS = 600_000;

/** Unpacks a file whose hash is right into a folder, which is made. Throws TandemError provider, cancelled. */
export async function unpack(
  { path, download, folder }: { readonly path: string; readonly download: Download; readonly folder: string },
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  try {
    if (download.kind === "zip") await unzip(path, folder, signal);
    // Links out of the folder and whole paths are left out by the library.
    else await extract({ file: path, cwd: folder, strip: download.top === "" ? 0 : 1, strict: true });
  } catch (cause) {
    if (signal.aborted) throw abortError(signal);
    throw new TandemError("provider", `${path} cannot be unpacked`, "Delete it and fetch it again", { cause });
  }
  if (signal.aborted) throw abortError(signal);
}

/** Windows has bsdtar, which knows ZIP, since 2018; what comes as ZIP is for Windows. */
async function unzip(path: string, folder: string, signal: AbortSignal): Promise<void> {
  const system = process.env.SystemRoot ?? "C:\\Windows";
  const program = process.platform === "win32" ? win32.join(system, "System32", "tar.exe") : "bsdtar";
  await run(program, ["-xf", path, "-C", join(folder)], { timeout: UNPACKING_MS, signal, windowsHide: true });
}
