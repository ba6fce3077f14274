import { z } from "zod";
import { ModelInfo } from "./models.ts";

/** One place a model can run: an embedded engine on a device, or an endpoint. */
export const EngineStatus = z.object({
  id: z.string(),
  roles: z.array(z.enum(["draft", "audit"])),
  kind: z.enum(["embedded", "endpoint"]),
  model: ModelInfo,
  device: z.string(),
  state: z.enum(["idle", "loading", "ready", "failed"]),
  /** Tasks waiting for it, the one running not counted. */
  queued: z.int(),
  isBusy: z.boolean(),
  failures: z.int(),
  /** Process id of the embedded engine; null for endpoints and while nothing is loaded. */
  pid: z.int().nullable(),
  prefillTokensPerSecond: z.number().nullable(),
  decodeTokensPerSecond: z.number().nullable(),
});
export type EngineStatus = z.output<typeof EngineStatus>;

export const Status = z.object({ pid: z.int(), version: z.string(), engines: z.array(EngineStatus), running: z.int() });
export type Status = z.output<typeof Status>;
