import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { surroundings } from "../../server/platform/folders.ts";
import { isAlive } from "../../server/platform/processes.ts";
import { readEndpoint } from "../../server/rendezvous/endpoint.ts";
import { namesOf } from "../../server/rendezvous/names.ts";

/** An orchestrator's place of its own, which no other test and no user's orchestrator meets. */
export interface Instance extends AsyncDisposable {
  /** For every process that is to belong to it. */
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** The process that serves; null while none does. */
  pid(): Promise<number | null>;
  /** Resolves when the process has gone. */
  gone(pid: number): Promise<void>;
}

const POLL_MS = 10;
const LEAVING_MS = 20_000;

/** `more`: what the orchestrator is to find in its environment besides. It leaves with its last client unless `TANDEM_GRACE_MS` says otherwise. */
export async function createInstance(more: Readonly<Record<string, string>> = {}): Promise<Instance> {
  // Short: a socket's path has little room.
  const folder = await mkdtemp(join(tmpdir(), "td-"));
  const at = (name: string) => join(folder, name);
  const env = { TANDEM_STATE: at("state"), TANDEM_RUNTIME: at("run"), TANDEM_GRACE_MS: "0", ...more };
  const names = namesOf({ ...surroundings(), env: { ...process.env, ...env } });
  const pid = async () => (await readEndpoint(names))?.pid ?? null;
  const gone = async (which: number) => {
    const deadlineMs = performance.now() + LEAVING_MS;
    while (isAlive(which)) {
      if (performance.now() > deadlineMs) throw new Error(`process ${which} is still there after ${LEAVING_MS} ms`);
      await wait(POLL_MS);
    }
  };
  return {
    env,
    folder,
    pid,
    gone,
    async [Symbol.asyncDispose]() {
      const last = await pid();
      if (last !== null && isAlive(last)) {
        process.kill(last, "SIGTERM");
        await gone(last);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
