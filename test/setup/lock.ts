import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Say } from "./debian.ts";

const POLL_MS = 500;
/** How long a lock may be without its owner's name: the time between making and signing it, and then some. */
const UNSIGNED_MS = 5_000;

/** Waits until no other process holds `folder`, and holds it until disposed. A lock whose owner died is taken over. */
export async function takeLock(folder: string, say: Say, signal: AbortSignal): Promise<AsyncDisposable> {
  await mkdir(dirname(folder), { recursive: true });
  let told = false;
  while (!(await tryLock(folder))) {
    if (await isAbandoned(folder)) {
      await rm(folder, { recursive: true, force: true });
      continue;
    }
    if (!told) say(`waiting for another process to finish (${folder})`);
    told = true;
    await delay(POLL_MS, undefined, { signal });
  }
  return { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function tryLock(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
  await writeFile(join(folder, "pid"), String(process.pid));
  return true;
}

async function isAbandoned(folder: string): Promise<boolean> {
  const owner = Number(await readFile(join(folder, "pid"), "utf8").catch(() => "0"));
  if (owner > 0) return !isRunning(owner);
  const made = await stat(folder).catch(() => null);
  return made !== null && Date.now() - made.mtimeMs > UNSIGNED_MS;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
