import type { Settings } from "../protocol/settings.ts";

/** A task's signal with the ceiling of the settings. It starts when the engines are there: a download may take longer than any answer. */
export function withCeiling(signal: AbortSignal, settings: Settings): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutS * 1000)]);
}
