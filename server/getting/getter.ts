import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { abortError, TandemError } from "../errors.ts";
import { type Environment, LIMITS, type Limits } from "../models/http.ts";
import { acquireLock } from "../models/lock.ts";
import { createMeter } from "../models/meter.ts";
import type { Delay } from "../models/retry.ts";
import { type FreeBytes, freeBytes } from "../models/space.ts";
import type { Clock, Log } from "../ports.ts";
import type { DownloadProgress } from "../protocol/models.ts";
import { findCudaRuntime, RUNTIME_STEPS } from "./cudaRuntime.ts";
import { fetchFile } from "./fetchFile.ts";
import { THINGS, type Thing } from "./things.ts";
import { unpack } from "./unpack.ts";

/** What can be fetched for this machine, and what of it is here. */
export interface Offer {
  readonly thing: Thing;
  readonly downloadBytes: number;
  /** Where it lies or would lie. */
  readonly folder: string;
  /** Of the program in it; null for a part of the embedded engine. */
  readonly program: string | null;
  readonly isHere: boolean;
  /** Why it could not be used if it were fetched, and what to do first; null: nothing is in the way. */
  readonly trouble: { readonly reason: string; readonly nextStep: string } | null;
}

/** Fetches engine builds that are pinned by hash. Nothing is fetched unasked. */
export interface Getter {
  /** The best first. */
  offers(): Promise<Offer[]>;
  /**
   * Fetches, checks and unpacks it; what is here already is left as it is. Only one process at a time does so. Throws TandemError:
   * provider, no-space, cancelled.
   */
  get(thing: Thing, onProgress: (progress: DownloadProgress) => void, signal: AbortSignal): Promise<Offer>;
}

export interface GetterDeps {
  /** For engines; it need not be there. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly env: Environment;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly things?: readonly Thing[];
  readonly limits?: Limits;
  readonly freeBytes?: FreeBytes;
  readonly delay?: Delay;
}

/** Left free on the disk. */
const MARGIN_BYTES = 200_000_000;

export function createGetter(deps: GetterDeps): Getter {
  const mine = (deps.things ?? THINGS).filter((it) => it.platform === `${deps.platform}-${deps.arch}`);
  return {
    offers: () => Promise.all(mine.map((it) => offerOf(it, deps))),
    async get(thing, onProgress, signal) {
      await mkdir(deps.folder, { recursive: true });
      const lock = join(deps.folder, `${thing.folder}.lock`);
      using _lock = await acquireLock(lock, async () => undefined, signal);
      const offer = await offerOf(thing, deps);
      if (offer.isHere) return offer;
      await checkSpace(offer, deps);
      await fetchAll(offer, { ...deps, onProgress }, signal);
      return offerOf(thing, deps);
    },
  };
}

type Job = GetterDeps & { readonly onProgress: (progress: DownloadProgress) => void };

/** All files first, then all folders: a thing is there as a whole or not at all. */
async function fetchAll({ thing, folder, downloadBytes }: Offer, deps: Job, signal: AbortSignal): Promise<void> {
  const { clock, env, limits = LIMITS, delay = pause, onProgress } = deps;
  const meter = createMeter({ model: thing.title, totalBytes: downloadBytes, clock, onProgress });
  const staging = `${folder}.new`;
  await rm(staging, { recursive: true, force: true });
  const files: string[] = [];
  let before = 0;
  for (const [nth, download] of thing.downloads.entries()) {
    const path = join(deps.folder, `${thing.folder}-${nth}.download`);
    const onBytes = (bytes: number) => meter.at(before + bytes);
    const fetching = { env, limits, delay, random: Math.random, npmFolder: deps.folder };
    await fetchFile({ download, path, onBytes }, fetching, signal);
    before += download.bytes;
    files.push(path);
  }
  meter.end(before);
  try {
    for (const [nth, download] of thing.downloads.entries())
      await unpack({ path: files[nth] ?? "", download, folder: join(staging, download.folder) }, signal);
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  for (const path of files) await rm(path, { force: true });
  deps.log.info("engine fetched", { thing: thing.id, build: thing.build, folder });
}

async function offerOf(thing: Thing, deps: GetterDeps): Promise<Offer> {
  const folder = join(deps.folder, thing.folder);
  const needed = [thing.program, ...thing.downloads.map((it) => it.folder)].filter((it) => it !== null && it !== "");
  const found = await Promise.all(needed.map((it) => stat(join(folder, it ?? "")).catch(() => null)));
  return {
    thing,
    downloadBytes: thing.downloads.reduce((sum, it) => sum + it.bytes, 0),
    folder,
    program: thing.program && join(folder, thing.program),
    isHere: found.every((it) => it !== null),
    trouble: await troubleOf(thing, deps),
  };
}

/** The embedded engine's builds for CUDA come without CUDA's own libraries; the driver does not bring them. */
async function troubleOf({ id }: Thing, { platform, env }: GetterDeps): Promise<Offer["trouble"]> {
  if (id !== "cuda" || (platform !== "linux" && platform !== "win32")) return null;
  if (await findCudaRuntime(platform, env)) return null;
  return {
    reason: "NVIDIA's CUDA libraries (cudart and cublas, 12 or 13) are not on this machine, and it does not bring them",
    nextStep: `${RUNTIME_STEPS[platform]}. The embedded engine's Vulkan build, and \`tandem get llama-server\`, need nothing but the driver`,
  };
}

async function checkSpace({ thing, downloadBytes }: Offer, deps: GetterDeps): Promise<void> {
  const neededBytes = downloadBytes + thing.unpackedBytes + MARGIN_BYTES;
  const missingBytes = neededBytes - (await (deps.freeBytes ?? freeBytes)(deps.folder));
  if (missingBytes <= 0) return;
  throw new TandemError(
    "no-space",
    `${thing.title} takes ${megabytes(neededBytes)} while it is unpacked: ${megabytes(missingBytes)} more must be free in ${deps.folder}`,
    "Free that much, or point TANDEM_CACHE at a folder on a larger disk",
    { details: { missingBytes, folder: deps.folder } },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => {
    throw abortError(signal);
  });
}
