import { z } from "zod";
import { ModelInfo, Role } from "./models.ts";
import { Tier } from "./run.ts";
import { BreakerView } from "./traffic.ts";

/** What runs a model: the engine that comes along, a server that Tandem starts, or one that is there already. */
export const Backend = z.enum(["embedded", "llama-server", "vllm", "endpoint"]);
export type Backend = z.output<typeof Backend>;

const Rate = z.number().nullable();

/** One engine as routing saw it. Fields are only ever added, and added ones may be missing. */
export const RecordedEngine = z.object({
  id: z.string(),
  roles: z.array(Role).readonly(),
  kind: z.enum(["embedded", "endpoint"]),
  model: ModelInfo,
  device: z.string(),
  isResident: z.boolean(),
  hasRelay: z.boolean().nullable(),
  serves: z.array(z.string()).readonly(),
  slots: z.number(),
  load: z.number(),
  prefillPerSecond: Rate,
  decodePerSecond: Rate,
  loadMs: Rate,
  failures: z.number(),
  reliability: Rate.exactOptional(),
  backend: Backend.exactOptional(),
  address: z.string().nullable().exactOptional(),
  breaker: BreakerView.readonly().exactOptional(),
  isCloud: z.boolean().exactOptional(),
  known: z
    .object({ prefillPerSecond: Rate, decodePerSecond: Rate, loadMs: Rate, origin: z.string() })
    .readonly()
    .nullable()
    .exactOptional(),
  thermal: z.enum(["normal", "warm", "hot", "critical"]).nullable().exactOptional(),
});
export type RecordedEngine = z.output<typeof RecordedEngine>;

/** Everything a decision was made from, so that it can be made again: by the policy of today, or by another. Never prompts. */
export const RouteRecord = z.object({
  /** `vectors`: there was no tier, no audit and nothing to write. */
  kind: z.enum(["write", "vectors"]),
  tier: Tier,
  isAudited: z.boolean(),
  promptTokens: z.number(),
  outputTokens: z.number(),
  engines: z.array(RecordedEngine).readonly(),
  cloud: z
    .object({ isAllowed: z.boolean(), why: z.string(), when: z.enum(["fallback", "first"]) })
    .readonly()
    .nullable(),
  draw: z.number(),
  warmTokens: z.record(z.string(), z.number()),
  displacedTokens: z.record(z.string(), z.number()).default({}),
  /** Names of the engines that were decided for. */
  chosen: z.object({ draft: z.string(), audit: z.string().nullable() }),
});
export type RouteRecord = z.output<typeof RouteRecord>;
