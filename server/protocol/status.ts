import { z } from "zod";
import { GpuSourceStatus, GpuStatus } from "./gpu.ts";
import { ClientInfo } from "./handshake.ts";
import { ModelInfo, Role } from "./models.ts";
import { BreakerView } from "./traffic.ts";

/** One place a model can run: an embedded engine on a device, or an endpoint. */
export const EngineStatus = z.object({
  id: z.string(),
  /** Names the engine for all clients as long as the orchestrator lives; `load`, `unload` and `pin` take it. "": an older orchestrator. */
  handle: z.string().default(""),
  /** What this client uses it for; empty: it is other clients' only. */
  roles: z.array(Role),
  /** Clients whose settings name it. */
  users: z.int(),
  kind: z.enum(["embedded", "endpoint"]),
  model: ModelInfo,
  device: z.string(),
  state: z.enum(["idle", "loading", "ready", "failed"]),
  /** Tasks waiting for it, the one running not counted. */
  queued: z.int(),
  isBusy: z.boolean(),
  /** Requests that have a turn on it, and how many may have one at a time. */
  active: z.int().default(0),
  slots: z.int().default(1),
  failures: z.int(),
  /** Whether requests are let through to it. */
  breaker: BreakerView.default({ state: "closed", retryInMs: null, why: null }),
  /** Text sent to it leaves this machine for a provider that the user has allowed. */
  isCloud: z.boolean().default(false),
  /** Process id of the embedded engine; null for endpoints and while nothing is loaded. */
  pid: z.int().nullable(),
  prefillTokensPerSecond: z.number().nullable(),
  decodeTokensPerSecond: z.number().nullable(),
  /** What its last load took; null: it was not loaded yet. */
  loadMs: z.number().nullable().default(null),
  /** What it holds of each device, by uuid or "cpu"; what it would take is not counted. `isMeasured`: the driver or the engine says so. */
  memory: z.array(z.object({ device: z.string(), bytes: z.number(), isMeasured: z.boolean() })).default([]),
  /** Never unloaded by itself. */
  isPinned: z.boolean().default(false),
  /** Whether its process is where it was put; null: it is nowhere, or nobody looked. */
  placement: z
    .object({ verdict: z.enum(["verified", "refuted", "unverifiable"]), why: z.string() })
    .nullable()
    .default(null),
  /** How long it has had nothing to do; null: it has, or is not loaded. */
  idleMs: z.int().nullable().default(null),
  /** Why it is not loaded although somebody waits for it; null: nobody waits. */
  waitsFor: z.string().nullable().default(null),
});
export type EngineStatus = z.output<typeof EngineStatus>;

/** One client at the orchestrator. */
export const ClientStatus = ClientInfo.extend({
  /** Requests of its own that run at the moment. */
  running: z.int(),
  /** True for the client that asks. */
  isYou: z.boolean(),
});
export type ClientStatus = z.output<typeof ClientStatus>;

export const Status = z.object({
  pid: z.int(),
  version: z.string(),
  engines: z.array(EngineStatus),
  /** Requests of all clients that run at the moment. */
  running: z.int(),
  clients: z.array(ClientStatus),
  /** As last read; reading begins when engines are placed for the first time. Orchestrators before this version tell nothing. */
  gpus: z.array(GpuStatus).default([]),
  gpuSources: z.array(GpuSourceStatus).default([]),
  /** Main memory as the governor counts it; null: not read yet. `usedBytes` null: this system does not tell what could be had. */
  mainMemory: z.object({ totalBytes: z.number(), usedBytes: z.number().nullable() }).nullable().default(null),
  /** Address of the HTTP door; null while it is closed. */
  http: z.string().nullable(),
  /** True once it takes no new requests. */
  isDraining: z.boolean(),
});
export type Status = z.output<typeof Status>;
