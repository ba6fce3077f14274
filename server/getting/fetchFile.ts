import { stat } from "node:fs/promises";
import { TandemError } from "../errors.ts";
import { SourceError } from "../models/failure.ts";
import { createHttp, type Environment, type Limits } from "../models/http.ts";
import { type NpmOptions, npmView } from "../models/npmView.ts";
import { dropPart, hashFile, openPart } from "../models/part.ts";
import { type Delay, retrying } from "../models/retry.ts";
import { downloadUrl } from "../models/url.ts";
import type { Download } from "./things.ts";

export interface FetchDeps {
  readonly env: Environment;
  readonly limits: Limits;
  readonly delay: Delay;
  readonly random: () => number;
  /** npm reads the `.npmrc` of the folder it runs in: this one is ours. */
  readonly npmFolder: string;
}

/**
 * The file, whole and with the hash that is written down for it; a download that broke off goes on where it stopped. Throws TandemError:
 * provider (no server gave it, or what came is not it), no-space, cancelled.
 */
export async function fetchFile(
  { download, path, onBytes }: { readonly download: Download; readonly path: string; onBytes: (bytes: number) => void },
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<void> {
  const { bytes, sha256 } = download;
  if (await isWhole(path, download, signal)) return onBytes(bytes);
  const partPath = `${path}.part`;
  await using http = createHttp(deps.limits, deps.env);
  try {
    const url = await urlOf(download, { env: deps.env, cwd: deps.npmFolder }, signal);
    const headers = { "accept-encoding": "identity", "user-agent": "tandem" };
    await using part = await openPart(partPath, signal);
    const job = { http, url, headers, expected: { bytes, sha256 }, part, partPath, onBytes };
    try {
      await retrying(() => downloadUrl(job, signal), { ...deps, part }, signal);
      await part.land(path);
    } finally {
      if (part.bytes === 0 || part.isLanded) await dropPart(partPath);
    }
  } catch (cause) {
    if (!(cause instanceof SourceError)) throw cause;
    throw new TandemError(
      "provider",
      `It could not be fetched: ${cause.message}`,
      cause.kind === "wrong-content"
        ? "Nothing of it was kept. If it happens again, what the server gives is not what Tandem knows: do not use it"
        : "Try again when the network is there: what has come is kept",
      { cause },
    );
  }
}

async function isWhole(path: string, { bytes, sha256 }: Download, signal: AbortSignal): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.size === bytes && (await hashFile(path, signal)) === sha256;
}

/** npm is asked, so that registry, mirrors and proxies are the user's; its document must state the hash that is written down here. */
async function urlOf({ from }: Download, npm: NpmOptions, signal: AbortSignal): Promise<URL> {
  if (from.kind === "url") return new URL(from.url);
  const { tarball, sha512 } = await npmView(from, npm, signal);
  if (sha512 === from.sha512) return tarball;
  throw new SourceError("wrong-content", `the registry states another hash of ${from.name} than the one written down`);
}
