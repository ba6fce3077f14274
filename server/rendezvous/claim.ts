import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tryLock } from "../platform/lock.ts";
import { ensurePrivateFolder } from "../platform/privateFolder.ts";
import { socketPath } from "../platform/socketPath.ts";
import { type Endpoint, readEndpoint, writeEndpoint } from "./endpoint.ts";
import { keepFresh } from "./fresh.ts";
import type { Names } from "./names.ts";

/** On Windows two that try at the same instant can refuse each other, and one that leaves needs a moment to let go. */
const MOST_TRIES = 5;
const PAUSE_MS = 20;

/** The right to be the instance's orchestrator. The system takes it away when the process ends, however it ends. */
export interface Claim extends AsyncDisposable {
  /** Where to listen: a name that nobody has used, nor can guess. */
  readonly socket: string;
  /** Lets clients find it; to be called when it listens. */
  announce(endpoint: Endpoint): Promise<void>;
  /**
   * No client finds it any more, its socket goes, and last of all the right, so that the next orchestrator meets nothing of this
   * one. To be called when all else is done. The same as disposing; twice is once.
   */
  release(): Promise<void>;
}

/**
 * Null when another orchestrator has it: leave with `HELD_EXIT_CODE`. Throws TandemError not-configured when the runtime
 * folder is not this user's alone.
 */
export async function claim(names: Names): Promise<Claim | null> {
  await ensurePrivateFolder(names.folder);
  const socket = socketPath(names.folder, `${names.instance}-${randomBytes(8).toString("hex")}`);
  const lock = await lockOf(names);
  if (!lock) return null;
  try {
    await removeLeftovers(names);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
  let own: Endpoint | null = null;
  let freshness: Disposable | null = null;
  let releasing: Promise<void> | null = null;
  const releaseOnce = async () => {
    using _last = lock;
    freshness?.[Symbol.dispose]();
    // Somebody may have emptied the folder, and another orchestrator have claimed a new lock file there.
    if (own && (await readEndpoint(names))?.secret === own.secret) await rm(names.endpoint, { force: true });
    if (process.platform !== "win32") await rm(socket, { force: true });
  };
  const release = () => (releasing ??= releaseOnce());
  return {
    socket,
    announce: async (endpoint) => {
      await writeEndpoint(names, endpoint);
      own = endpoint;
      freshness ??= keepFresh([names.lock, names.endpoint, socket]);
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}

async function lockOf(names: Names): Promise<Disposable | null> {
  for (let tries = 1; ; tries++) {
    const lock = await tryLock(names.lock);
    if (lock || tries === MOST_TRIES) return lock;
    await sleep(PAUSE_MS);
  }
}

/** What orchestrators that were killed left: whoever holds the claim is the only one alive. */
async function removeLeftovers({ folder, instance, endpoint }: Names): Promise<void> {
  const isSocket = (name: string) => name.startsWith(`${instance}-`) && name.endsWith(".sock");
  const sockets = (await readdir(folder)).filter(isSocket).map((name) => join(folder, name));
  await Promise.all([endpoint, ...sockets].map((path) => rm(path, { force: true })));
}
