import { z } from "zod";
import { request } from "./define.ts";

/** One GPU as it was last heard of. Null: its driver does not tell. */
export const GpuStatus = z.object({
  uuid: z.string(),
  vendor: z.enum(["nvidia", "amd", "apple"]),
  index: z.int(),
  name: z.string(),
  /** `ok`: the numbers are of now; `stale`: of a moment ago; `broken`: nobody knows what holds now. */
  health: z.enum(["ok", "stale", "broken"]),
  /** Why it is not "ok", and what to do about it; null when it is. */
  trouble: z.object({ reason: z.string(), nextStep: z.string() }).nullable(),
  ageMs: z.int(),
  totalBytes: z.number().nullable(),
  /** By whomever it is used. */
  usedBytes: z.number().nullable(),
  freeBytes: z.number().nullable(),
  /** Kept free of models, by the settings. Orchestrators before this version do not tell. */
  reserveBytes: z.number().nullable().default(null),
  busyPercent: z.number().nullable(),
  celsius: z.number().nullable(),
  powerWatts: z.number().nullable(),
  powerLimitWatts: z.number().nullable(),
  /** Of its processors and of its memory. Orchestrators before this version tell neither. */
  coreMegahertz: z.number().nullable().default(null),
  memoryMegahertz: z.number().nullable().default(null),
  /** Cut into instances (MIG), which programs see in its place. */
  isPartitioned: z.boolean().default(false),
  /** What slows its clocks down. */
  brakes: z.array(z.enum(["idle", "power", "heat", "hardware", "settings"])).nullable(),
  /** How full it is, steadied. */
  pressure: z.enum(["normal", "moderate", "high", "critical"]).nullable(),
  /** How warm it is or soon will be, and what that follows from. */
  thermal: z.object({ level: z.enum(["normal", "warm", "hot", "critical"]), why: z.string() }).nullable(),
  processes: z.array(z.object({ pid: z.int(), name: z.string(), bytes: z.number().nullable() })).nullable(),
});
export type GpuStatus = z.output<typeof GpuStatus>;

/** What is known of one make of GPU as a whole: `starting` until it has said something, `absent` when there is none. */
export const GpuSourceStatus = z.object({
  name: z.string(),
  health: z.enum(["starting", "ok", "stale", "broken", "absent"]),
  reason: z.string().nullable(),
});
export type GpuSourceStatus = z.output<typeof GpuSourceStatus>;

/** One GPU at one moment of the past; `atMs` since 1970. Where a point stands for a longer time: means, and the highest temperature. */
export const GpuSample = z.object({
  atMs: z.number(),
  usedBytes: z.number().nullable(),
  totalBytes: z.number().nullable(),
  busyPercent: z.number().nullable(),
  celsius: z.number().nullable(),
  powerWatts: z.number().nullable(),
});
export type GpuSample = z.output<typeof GpuSample>;

/** What was read of the GPUs, the oldest first, at most 500 points of each: the last minutes as they were read, older ones in steps. */
export const gpuHistory = request({
  method: "tandem/gpus/history",
  params: z
    .object({
      /** How far back. */
      seconds: z
        .int()
        .min(1)
        .max(30 * 86_400)
        .default(100),
    })
    .strict(),
  event: z.object({}).strict(),
  result: z.object({
    gpus: z.array(z.object({ uuid: z.string(), name: z.string(), stepMs: z.number(), samples: z.array(GpuSample) })),
  }),
  afterLoss: "resend",
});
