import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Surroundings, surroundings } from "../../server/platform/folders.ts";
import type { ClientInfo } from "../../server/protocol/handshake.ts";
import { launch, type Started } from "../../server/rendezvous/launch.ts";
import { type Names, namesOf } from "../../server/rendezvous/names.ts";

const CANDIDATE = join(import.meta.dirname, "candidate.ts");

export const VERSION = "1.2.0";
export const client: ClientInfo = { kind: "cli", pid: process.pid, version: VERSION };

/** An instance of its own, in a folder that goes with the test. */
export interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly names: Names;
  readonly logPath: string;
  /** Starts the orchestrator of `candidate.ts`. */
  start(extra?: Readonly<Record<string, string>>): Promise<Started>;
}

export async function place(t: Pick<TestContext, "after">): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }));
  return placeIn(folder);
}

/** The same place, from another process. */
export function placeIn(folder: string): Place {
  const env = { TANDEM_RUNTIME: join(folder, "run"), TANDEM_STATE: folder, TANDEM_CACHE: folder };
  const around: Surroundings = { ...surroundings(), env };
  const logPath = join(folder, "log", "orchestrator.log");
  const start: Place["start"] = (extra = {}) =>
    launch({
      program: process.execPath,
      entry: CANDIDATE,
      env: { ...process.env, ...env, TEST_VERSION: VERSION, ...extra },
      logPath,
      cwd: folder,
    });
  return { folder, env, names: namesOf(around), logPath, start };
}
