import type { Clock } from "../ports.ts";
import type { DownloadProgress } from "../protocol/models.ts";

/** Turns positions into progress with a rate and a time to go. */
export interface Meter {
  /** Where the download stands; goes down when it starts again. */
  at(doneBytes: number): void;
  /** As `at`, and reported whatever was reported last. */
  end(doneBytes: number): void;
}

/** At most ten reports a second. */
const REPORT_MS = 100;
/** A change of speed shows by half after this time. */
const HALF_LIFE_MS = 3_000;

export function createMeter(deps: {
  readonly model: string;
  readonly totalBytes: number;
  readonly clock: Clock;
  readonly onProgress: (progress: DownloadProgress) => void;
}): Meter {
  const { model, totalBytes, clock, onProgress } = deps;
  let reportedMs: number | null = null;
  let reportedBytes = 0;
  let rate: number | null = null;

  function report(doneBytes: number, nowMs: number): void {
    if (reportedMs !== null && doneBytes >= reportedBytes && nowMs > reportedMs) {
      const spanMs = nowMs - reportedMs;
      const latest = ((doneBytes - reportedBytes) / spanMs) * 1_000;
      // Weighted by the span it covers, so that the rate does not depend on how often it is asked for.
      const keep = 0.5 ** (spanMs / HALF_LIFE_MS);
      rate = rate === null ? latest : rate * keep + latest * (1 - keep);
    }
    reportedMs = nowMs;
    reportedBytes = doneBytes;
    const etaMs = rate !== null && rate > 0 ? (Math.max(0, totalBytes - doneBytes) / rate) * 1_000 : null;
    onProgress({ model, doneBytes, totalBytes, bytesPerSecond: rate, etaMs });
  }

  return {
    at(doneBytes) {
      const nowMs = clock.nowMs();
      if (reportedMs === null || nowMs - reportedMs >= REPORT_MS) report(doneBytes, nowMs);
    },
    end(doneBytes) {
      report(doneBytes, clock.nowMs());
    },
  };
}
