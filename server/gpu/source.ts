import type { Report } from "../core/telemetry.ts";

/** Reads the GPUs of one make again and again until it is disposed of. */
export type GpuSource = AsyncDisposable;

/** What a source of readings is made with. */
export interface SourceDeps {
  /** Called about once a second for each GPU, and whenever nothing can be read. */
  readonly report: (report: Report) => void;
}
