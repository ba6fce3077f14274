import { setTimeout as sleep } from "node:timers/promises";
import { abortError, throwIfAborted } from "../errors.ts";
import { tryLock } from "../platform/lock.ts";

const POLL_MS = 250;

/** Waits for the lock of `path`, which is let go by disposing it or by the end of this process. While another holds it `onWait` is called four times a second. */
export async function acquireLock(path: string, onWait: () => Promise<void>, signal: AbortSignal): Promise<Disposable> {
  for (;;) {
    throwIfAborted(signal);
    const lock = await tryLock(path);
    if (lock) return lock;
    await onWait();
    await sleep(POLL_MS, undefined, { signal }).catch(() => {
      throw abortError(signal);
    });
  }
}
