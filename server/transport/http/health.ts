import { z } from "zod";
import type { EngineStatus } from "../../protocol/status.ts";

/** Whoever asks without a key learns this much and no more. */
export const Health = z.object({
  /** `degraded`: some engine failed or gets no requests for it, or the orchestrator is about to leave; `down`: every engine failed. */
  status: z.enum(["healthy", "degraded", "down"]),
  version: z.string(),
});
export type Health = z.output<typeof Health>;

export interface HealthSource {
  readonly engines: readonly (Pick<EngineStatus, "state"> & Partial<Pick<EngineStatus, "breaker">>)[];
  readonly isDraining: boolean;
}

/** No engine yet is healthy: they are set up by the first request. */
export function healthOf({ engines, isDraining }: HealthSource): Health["status"] {
  const failed = engines.filter((it) => it.state === "failed" || it.breaker?.state === "open").length;
  if (failed > 0 && failed === engines.length) return "down";
  return failed > 0 || isDraining ? "degraded" : "healthy";
}
