import { catalogue } from "../../server/models/catalogue.ts";
import { createModelStore } from "../../server/models/store.ts";
import { cacheFolder } from "../../server/platform/folders.ts";
import type { ModelFile } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import type { Say } from "./debian.ts";

const MB = 1_000_000;
const PROGRESS_STEP_BYTES = 50 * MB;

/** The small real model that every test with a real engine uses: from the cache, else fetched as a user's would be. */
export async function ensureTinyLlama(say: Say, signal: AbortSignal): Promise<ModelFile> {
  const entry = catalogue.find((it) => it.isTrial);
  if (entry === undefined) throw new Error("the catalogue has no trial model");
  const clock = { nowMs: () => performance.now() };
  const store = createModelStore({ folder: cacheFolder(), log: silentLog, clock });
  let nextBytes = 0;
  return store.ensure(
    entry.id,
    null,
    ({ doneBytes, totalBytes }) => {
      if (doneBytes < nextBytes) return;
      say(`${entry.id}: ${Math.round(doneBytes / MB)} of ${Math.round((totalBytes ?? entry.bytes) / MB)} MB`);
      nextBytes = doneBytes + PROGRESS_STEP_BYTES;
    },
    signal,
  );
}
