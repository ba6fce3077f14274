import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CatalogueEntry, Source } from "../../server/models/catalogue.ts";
import { createModelStore, type ModelStoreDeps } from "../../server/models/store.ts";
import type { Log } from "../../server/ports.ts";
import type { DownloadProgress } from "../../server/protocol/models.ts";
import { sha256 } from "../fakes/hub.ts";

export const silent: Log = { error() {}, warn() {}, info() {}, debug() {} };

/** A cache folder of its own, gone at the end. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  /** Where the model's file will lie. */
  path(id: string): string;
}

export async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-models-"));
  return {
    folder,
    path: (id) => join(folder, "models", `${id}.gguf`),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Until the model's part has grown to so many bytes. */
export async function grown(place: Place, id: string, bytes: number): Promise<void> {
  const part = `${place.path(id)}.part`;
  for (;;) {
    const found = await stat(part).catch(() => null);
    if (found && found.size >= bytes) return;
    await new Promise(setImmediate);
  }
}

/** Bytes that differ everywhere, so that a piece in the wrong place shows. */
export function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

export function entryOf(id: string, body: Buffer, sources: readonly Source[]): CatalogueEntry {
  return {
    id,
    label: `Model ${id}`,
    roles: ["draft"],
    family: "test",
    parametersB: 1,
    quantisation: "Q4_K_M",
    bytes: body.length,
    sha256: sha256(body),
    contextTokens: 2_048,
    maxContextTokens: 4_096,
    kvBytesPerToken: 1_024,
    shape: null,
    licence: "MIT",
    isRestricted: false,
    promptStyle: "chat",
    isTrial: false,
    sources: [...sources],
  };
}

/** The path on the hub of a model's file, and the source that names it there. */
export function onHub(id: string): { path: string; source: Source } {
  const path = `/owner/${id}/resolve/main/${id}.gguf`;
  return { path, source: { kind: "url", url: `https://huggingface.co${path}` } };
}

export interface Got {
  readonly path: string;
  readonly substituted: string | null;
  readonly progress: readonly DownloadProgress[];
  /** What the store waited between tries. */
  readonly waitsMs: readonly number[];
}

/** `ensure` on a store that waits for nothing between tries. */
export async function ensure(
  place: Place,
  wanted: { id: string; substitute?: string } & Pick<ModelStoreDeps, "catalogue" | "env" | "limits" | "freeBytes">,
  signal: AbortSignal = AbortSignal.timeout(20_000),
): Promise<Got> {
  const { id, substitute = null, ...deps } = wanted;
  const progress: DownloadProgress[] = [];
  const waitsMs: number[] = [];
  const store = createModelStore({
    folder: place.folder,
    log: silent,
    clock: { nowMs: () => performance.now() },
    env: {},
    random: () => 0.5,
    delay: async (ms) => void waitsMs.push(ms),
    ...deps,
  });
  const file = await store.ensure(id, substitute, (it) => void progress.push(it), signal);
  return { path: file.path, substituted: file.substituted, progress, waitsMs };
}
