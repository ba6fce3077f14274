import type { Clock } from "../ports.ts";
import type { Settings } from "../protocol/settings.ts";

/** A task's signal with the ceiling of the settings. It starts when the engines are there: a download may take longer than any answer. */
export function withCeiling(signal: AbortSignal, settings: Settings): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutS * 1000)]);
}

/** When the ceiling is reached of a task that begins now: what would come later need not be tried. */
export function deadlineOf({ clock, settings }: { readonly clock: Clock; readonly settings: Settings }): number {
  return clock.nowMs() + settings.timeoutS * 1_000;
}
