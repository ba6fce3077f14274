import { z } from "zod";
import { request } from "./define.ts";
import { DownloadProgress } from "./models.ts";

const BuildId = z.enum(["cuda", "llama-server"]);
const BuildKind = z.enum(["cuda", "vulkan", "metal", "cpu"]);

/** An engine that can be fetched for this machine: a build of llama.cpp, pinned by its hash. */
export const Build = z.object({
  /** `cuda`: the embedded engine's for NVIDIA's GPUs; `llama-server`: llama.cpp's server. */
  id: BuildId,
  /** For which GPUs it is built. */
  build: BuildKind,
  title: z.string(),
  /** Who publishes it. */
  source: z.string(),
  licence: z.string(),
  downloadBytes: z.int(),
  /** Of its files once they are unpacked, about. */
  unpackedBytes: z.int(),
  /** Where it lies, or would lie. */
  folder: z.string(),
  /** The program in it; null: a part of the embedded engine, which finds it by itself. */
  program: z.string().nullable(),
  isHere: z.boolean(),
  /** Why it could not be used if it were fetched; null: nothing is in the way. */
  trouble: z.object({ reason: z.string(), nextStep: z.string() }).nullable(),
});
export type Build = z.output<typeof Build>;

/** What can be fetched for this machine, the best of each kind first, and what is to be had elsewhere and how. */
export const builds = request({
  method: "tandem/builds",
  params: z.object({}).strict(),
  event: z.object({}).strict(),
  result: z.object({
    builds: z.array(Build),
    elsewhere: z.array(z.object({ id: z.string(), what: z.string(), how: z.string() })),
  }),
  afterLoss: "resend",
});

/**
 * Fetches one, checks it and unpacks it. Whoever asks has asked the user: it takes hundreds of megabytes. `build` null: the first of that
 * id. Fails with not-configured when there is none for this machine, or when it could not be used here.
 */
export const getBuild = request({
  method: "tandem/builds/get",
  params: z.object({ id: BuildId, build: BuildKind.nullable() }),
  event: z.object({ kind: z.literal("downloading"), progress: DownloadProgress }),
  result: Build,
  afterLoss: "resend",
});
