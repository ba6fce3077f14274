import { type FSWatcher, watch } from "node:fs";

/** The system may have no watchers left, or its folder be one of a network. */
const POLL_MS = 100;

/** Tells when something may have changed in a folder. */
export interface Changes extends Disposable {
  /** Resolves at the next change, at one since it was last called, after a moment without any, and when `signal` fires. */
  next(signal: AbortSignal): Promise<void>;
  /** A change of another kind. */
  report(): void;
}

export function watchFolder(folder: string, isOfInterest: (name: string) => boolean): Changes {
  let isChanged = false;
  let wake: (() => void) | null = null;
  const report = () => {
    isChanged = true;
    wake?.();
  };
  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(folder, { persistent: false }, (_, name) => {
      if (name === null || isOfInterest(name)) report();
    });
    watcher.on("error", () => watcher?.close());
  } catch {
    // looking again after a moment is enough
  }
  return {
    report,
    async next(signal) {
      if (!isChanged && !signal.aborted) await waitFor((it) => (wake = it), signal);
      wake = null;
      isChanged = false;
    },
    [Symbol.dispose]: () => watcher?.close(),
  };
}

async function waitFor(subscribe: (wake: () => void) => void, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  subscribe(wake);
  const timer = setTimeout(wake, POLL_MS);
  signal.addEventListener("abort", wake);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", wake);
}
