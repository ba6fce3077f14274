import type { Clock } from "../ports.ts";
import type { Settings } from "../protocol/settings.ts";

/**
 * A task's signal with the ceiling of the settings. It starts when the engines are there: a download may take longer than any answer.
 * Disposing ends it: `AbortSignal.timeout` would keep what it guards in memory until its time is over, thousands of answers long.
 */
export function withCeiling(
  signal: AbortSignal,
  settings: Pick<Settings, "timeoutS">,
): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const tooLate = () => over.abort(new DOMException("The ceiling of the settings is reached", "TimeoutError"));
  const timer = setTimeout(tooLate, settings.timeoutS * 1_000);
  timer.unref();
  return { signal: AbortSignal.any([signal, over.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
}

/** When the ceiling is reached of a task that begins now: what would come later need not be tried. */
export function deadlineOf({ clock, settings }: { readonly clock: Clock; readonly settings: Settings }): number {
  return clock.nowMs() + settings.timeoutS * 1_000;
}
