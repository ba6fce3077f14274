import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log } from "../ports.ts";
import type { DownloadProgress } from "../protocol/models.ts";
import type { CatalogueEntry, Source } from "./catalogue.ts";
import { SourceError } from "./failure.ts";
import { createHttp, type Environment, type Http, type Limits } from "./http.ts";
import { askHub, type Expected, hubHeaders, hubUrl } from "./hub.ts";
import { acquireLock } from "./lock.ts";
import { createMeter, type Meter } from "./meter.ts";
import { downloadNpm } from "./npm.ts";
import { dropPart, openPart, type PartFile } from "./part.ts";
import { isVerified, record } from "./record.ts";
import { type Delay, retrying } from "./retry.ts";
import { checkSpace, type FreeBytes } from "./space.ts";
import { downloadUrl } from "./url.ts";

export interface FetchDeps {
  /** Where the model files lie; it exists. */
  readonly folder: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly env: Environment;
  readonly limits: Limits;
  readonly freeBytes: FreeBytes;
  readonly delay: Delay;
  readonly random: () => number;
}

export interface FetchRequest {
  readonly entry: CatalogueEntry;
  /** Where the file is to lie. */
  readonly path: string;
  readonly onProgress: (progress: DownloadProgress) => void;
}

/** Got, or why no source gave it: the reasons are clauses for people. */
export type Fetched =
  | { readonly kind: "got" }
  | { readonly kind: "failed"; readonly reason: string; readonly isWrongContent: boolean };

/**
 * Puts a catalogue model's verified file at `path`. Only one process at a time downloads it; another one waits, reports
 * how far the first is, and then finds the file. Throws TandemError: no-space, cancelled.
 */
export async function fetchModel(
  { entry, path, onProgress }: FetchRequest,
  deps: FetchDeps,
  signal: AbortSignal,
): Promise<Fetched> {
  const meter = createMeter({ model: entry.id, totalBytes: entry.bytes, clock: deps.clock, onProgress });
  const partPath = `${path}.part`;
  const onWait = async () => meter.at((await stat(partPath).catch(() => null))?.size ?? 0);
  using _lock = await acquireLock(join(deps.folder, `${entry.id}.lock`), onWait, signal);
  if (await isVerified(path, entry, signal)) return { kind: "got" };
  await using http = createHttp(deps.limits, deps.env);
  const job: Job = { entry, path, partPath, http, meter, deps };
  const reasons: string[] = [];
  let isWrongContent = false;
  for (const source of entry.sources) {
    try {
      await fetchFrom(source, job, signal);
      return { kind: "got" };
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      deps.log.warn("model source failed", {
        model: entry.id,
        source: source.kind,
        kind: error.kind,
        why: error.message,
      });
      isWrongContent ||= error.kind === "wrong-content";
      reasons.push(error.message);
    }
  }
  return { kind: "failed", reason: reasons.join("; "), isWrongContent };
}

interface Job {
  readonly entry: CatalogueEntry;
  readonly path: string;
  readonly partPath: string;
  readonly http: Http;
  readonly meter: Meter;
  readonly deps: FetchDeps;
}

async function fetchFrom(source: Source, job: Job, signal: AbortSignal): Promise<void> {
  const { entry, path, partPath, meter, deps } = job;
  const startedMs = deps.clock.nowMs();
  const expected = await whatToExpect(source, job, signal);
  await using part = await openPart(partPath, signal);
  const startBytes = part.bytes;
  try {
    await checkSpace(deps.folder, expected.bytes - part.bytes, deps.freeBytes);
    meter.at(part.bytes);
    await retrying(() => once(source, { ...job, part, expected }, signal), { ...deps, part }, signal);
    meter.end(part.bytes);
    await part.land(path);
  } finally {
    // What has come stays, to go on with; after landing, or when nothing came, there is nothing to keep.
    if (part.bytes === 0 || part.isLanded) await dropPart(partPath);
  }
  await record(path, expected.sha256);
  const ms = Math.round(deps.clock.nowMs() - startedMs);
  deps.log.info("model downloaded", { model: entry.id, bytes: expected.bytes, resumedBytes: startBytes, ms });
}

/** The catalogue's own size and hash; where it has none, the hub's. */
async function whatToExpect(source: Source, { entry, http, deps }: Job, signal: AbortSignal): Promise<Expected> {
  if (entry.sha256 !== null) return { bytes: entry.bytes, sha256: entry.sha256 };
  if (source.kind === "npm") throw new SourceError("refused", "the catalogue has no hash for it");
  const url = hubUrl(source.url, deps.env);
  return askHub({ http, url, headers: hubHeaders(source.url, deps.env) }, signal);
}

function once(
  source: Source,
  { http, partPath, meter, deps, part, expected }: Job & { part: PartFile; expected: Expected },
  signal: AbortSignal,
): Promise<void> {
  const onBytes = (bytes: number) => meter.at(bytes);
  switch (source.kind) {
    case "url": {
      const url = hubUrl(source.url, deps.env);
      const headers = hubHeaders(source.url, deps.env);
      return downloadUrl({ http, url, headers, expected, part, partPath, onBytes }, signal);
    }
    case "npm": {
      const npm = { env: deps.env, cwd: deps.folder };
      return downloadNpm({ http, packages: source.packages, expected, part, npm, onBytes }, signal);
    }
  }
}
