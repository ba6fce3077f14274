import { access, constants, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { abortError, TandemError, throwIfAborted } from "../errors.ts";
import type { Clock, Log, ModelFile, ModelStore } from "../ports.ts";
import type { DownloadProgress } from "../protocol/models.ts";
import { type CatalogueEntry, catalogue as shipped, toModelInfo } from "./catalogue.ts";
import type { FetchDeps, Fetched } from "./fetch.ts";
import { modelPath, openModelFile } from "./file.ts";
import { isRecorded, isVerified } from "./record.ts";
import { freeBytes } from "./space.ts";

export interface ModelStoreDeps extends Partial<Pick<FetchDeps, "env" | "limits" | "freeBytes" | "delay" | "random">> {
  /** The cache folder (`cacheFolder()`); model files lie in `models` below it, made when first needed. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly catalogue?: readonly CatalogueEntry[];
}

/** Model files on this machine. It owns the `models` folder together with the stores of other processes. */
export function createModelStore(deps: ModelStoreDeps): ModelStore {
  const folder = join(deps.folder, "models");
  const catalogue = deps.catalogue ?? shipped;
  const pathOf = (entry: CatalogueEntry) => join(folder, `${entry.id}.gguf`);
  const isHere = (entry: CatalogueEntry, signal: AbortSignal) => isVerified(pathOf(entry), entry, signal);

  async function fetch(entry: CatalogueEntry, onProgress: OnProgress, signal: AbortSignal): Promise<Fetched> {
    await makeFolder(folder);
    // Loaded late: with the network stack it costs tens of milliseconds, which a start with a filled cache need not pay.
    const [{ fetchModel }, { LIMITS }] = await Promise.all([import("./fetch.ts"), import("./http.ts")]);
    const fetchDeps = { env: process.env, limits: LIMITS, freeBytes, delay, random: Math.random, ...deps, folder };
    return fetchModel({ entry, path: pathOf(entry), onProgress }, fetchDeps, signal);
  }

  function got(entry: CatalogueEntry, substituted: string | null): ModelFile {
    return { model: toModelInfo(entry), path: pathOf(entry), substituted };
  }

  async function ensureKnown({ entry, stand, onProgress }: Wanted, signal: AbortSignal): Promise<ModelFile> {
    if (await isHere(entry, signal)) return got(entry, null);
    if (stand && !(await hasBegun(pathOf(entry))) && (await isHere(stand, signal)))
      return got(stand, `${entry.label} is not on this machine, so ${stand.label} is used; ${howToPull(entry)}`);
    const fetched = await fetch(entry, onProgress, signal);
    if (fetched.kind === "got") return got(entry, null);
    if (!stand || fetched.isWrongContent) throw unavailable(entry, fetched);
    const instead = (await isHere(stand, signal)) ? { kind: "got" as const } : await fetch(stand, onProgress, signal);
    if (instead.kind === "failed") throw unavailable(entry, fetched, { entry: stand, ...instead });
    return got(
      stand,
      `${entry.label} could not be downloaded (${fetched.reason}), so ${stand.label} is used; ${howToPull(entry)}`,
    );
  }

  return {
    folder,
    async isCached(id) {
      if (modelPath(id) !== null) return true;
      const entry = catalogue.find((it) => it.id === id);
      return entry !== undefined && isRecorded(pathOf(entry), entry);
    },
    async ensure(id, substitute, onProgress, signal) {
      throwIfAborted(signal);
      const path = modelPath(id);
      if (path !== null) return { model: await openModelFile(path, catalogue, signal), path, substituted: null };
      const stand = substitute === null || substitute === id ? null : find(catalogue, substitute);
      return ensureKnown({ entry: find(catalogue, id), stand, onProgress }, signal);
    },
  };
}

type OnProgress = (progress: DownloadProgress) => void;

interface Wanted {
  readonly entry: CatalogueEntry;
  /** What stands in where `entry` cannot be had. */
  readonly stand: CatalogueEntry | null;
  readonly onProgress: OnProgress;
}

function find(catalogue: readonly CatalogueEntry[], id: string): CatalogueEntry {
  const entry = catalogue.find((it) => it.id === id);
  if (entry) return entry;
  throw new TandemError(
    "model-unavailable",
    `There is no model called "${id}" in the catalogue`,
    `Name one of ${catalogue.map((it) => it.id).join(", ")}, or a file as "file:/path/to/model.gguf"`,
  );
}

/** Whether a download was begun and broke off: then it goes on, rather than another model standing in. */
async function hasBegun(path: string): Promise<boolean> {
  const part = await stat(`${path}.part`).catch(() => null);
  return part !== null && part.size > 0;
}

function howToPull(entry: CatalogueEntry): string {
  return `"tandem models pull ${entry.id}" gets it`;
}

function unavailable(
  entry: CatalogueEntry,
  failed: { readonly reason: string },
  instead?: { readonly entry: CatalogueEntry; readonly reason: string },
): TandemError {
  const also = instead ? `; nor could ${instead.entry.label}: ${instead.reason}` : "";
  return new TandemError(
    "model-unavailable",
    `${entry.label} could not be downloaded: ${failed.reason}${also}`,
    'Check the network (HTTPS_PROXY and HF_ENDPOINT are honoured), name a GGUF you have as "file:/path/to/model.gguf", or set an endpoint',
  );
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new TandemError(
      "model-unavailable",
      `The folder for models, ${folder}, cannot be written to`,
      "Point TANDEM_CACHE at a folder that can be written to",
      { cause },
    );
  }
}

async function delay(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw abortError(signal);
  });
}
