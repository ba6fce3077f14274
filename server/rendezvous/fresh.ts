import { utimes } from "node:fs/promises";

/** Systems sweep their temporary folders of what nobody touched: macOS after three days, others after ten. */
const TOUCH_MS = 6 * 60 * 60 * 1_000;

/** Keeps files from being swept away while their orchestrator lives, longer than anybody may come to look for it. */
export function keepFresh(paths: readonly string[]): Disposable {
  const touch = async (path: string) => {
    const now = new Date();
    // One that is gone all the same, or is a pipe on Windows, cannot be brought back; clients then start another orchestrator.
    await utimes(path, now, now).catch(() => undefined);
  };
  const timer = setInterval(() => void Promise.all(paths.map(touch)), TOUCH_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
