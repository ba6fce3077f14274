import { z } from "zod";
import { auditText } from "./audit.ts";
import { bench, benchmarks } from "./benchmark.ts";
import { builds, getBuild } from "./builds.ts";
import { decisions } from "./decisions.ts";
import { notification, request } from "./define.ts";
import { doctor } from "./doctor.ts";
import { load, pin, unload } from "./engines.ts";
import { GenerateEvent, GenerateParams, GenerateResult } from "./generate.ts";
import { gpuHistory } from "./gpu.ts";
import { ModelInfo, Role } from "./models.ts";
import {
  ChatEvent,
  ChatParams,
  ChatResult,
  CompleteEvent,
  CompleteParams,
  CompleteResult,
  EmbeddingsEvent,
  EmbeddingsParams,
  EmbeddingsResult,
  ModelList,
} from "./openai.ts";
import { gpuForecast, rank } from "./outlook.ts";
import { register, registry, unregister } from "./registry.ts";
import { RunEvent, RunParams, RunResult } from "./run.ts";
import { Moving, ServeEvent, ServeParams, StopParams } from "./service.ts";
import { Status } from "./status.ts";
import { acceptNow, resetBreaker } from "./traffic.ts";

const Nothing = z.object({}).strict();

/** The main job: classify, route, draft and audit; answers with an edit or with Markdown. Cancel with `$/cancelRequest`. */
export const run = request({
  method: "tandem/run",
  params: RunParams,
  event: RunEvent,
  result: RunResult,
  afterLoss: "resend",
});

/** One call to a model, nothing around it. Cancel with `$/cancelRequest`. */
export const generate = request({
  method: "tandem/generate",
  params: GenerateParams,
  event: GenerateEvent,
  result: GenerateResult,
});

/** OpenAI's chat completions, by any engine. Cancel with `$/cancelRequest`. */
export const chat = request({
  method: "tandem/openai/chat",
  params: ChatParams,
  event: ChatEvent,
  result: ChatResult,
});

/** OpenAI's completions: text is continued as it stands. */
export const complete = request({
  method: "tandem/openai/completions",
  params: CompleteParams,
  event: CompleteEvent,
  result: CompleteResult,
});

/** OpenAI's embeddings. */
export const embeddings = request({
  method: "tandem/openai/embeddings",
  params: EmbeddingsParams,
  event: EmbeddingsEvent,
  result: EmbeddingsResult,
  afterLoss: "resend",
});

/** OpenAI's list of models: what may be asked for by name. */
export const listModels = request({
  method: "tandem/openai/models",
  params: Nothing,
  event: Nothing,
  result: ModelList,
  afterLoss: "resend",
});

/** What runs where, at this moment. */
export const status = request({
  method: "tandem/status",
  params: Nothing,
  event: Nothing,
  result: Status,
  afterLoss: "resend",
});

/** The catalogue, with what is on this machine. */
export const models = request({
  method: "tandem/models",
  params: Nothing,
  event: Nothing,
  result: z.object({
    models: z.array(
      ModelInfo.extend({
        roles: z.array(Role),
        bytes: z.number(),
        licence: z.string(),
        isCached: z.boolean(),
        isChosen: z.boolean(),
      }),
    ),
    cacheFolder: z.string(),
  }),
  afterLoss: "resend",
});

/** Fetches one model into the cache. Events are `downloading`. */
export const pull = request({
  method: "tandem/models/pull",
  params: z.object({ model: z.string() }),
  event: RunEvent,
  result: z.object({ model: ModelInfo, path: z.string() }),
  afterLoss: "resend",
});

/** Opens the HTTP door and keeps it open until the request is cancelled. The first one's options count as long as it is open. */
export const serve = request({
  method: "tandem/serve",
  params: ServeParams,
  event: ServeEvent,
  result: Nothing,
  afterLoss: "resend",
});

/** Makes a new key for the HTTP door; the old one is refused from then on. */
export const rotateKey = request({
  method: "tandem/http/rotateKey",
  params: Nothing,
  event: Nothing,
  result: z.object({ keyFile: z.string() }),
  afterLoss: "resend",
});

/**
 * Readings of GPUs and memory as they come: while this runs, its client is sent `statusChanged` for them too, at most once a second. For
 * who shows them, and only while he does: cancel it when nobody looks. It ends by being cancelled.
 */
export const follow = request({
  method: "tandem/status/follow",
  params: Nothing,
  event: Nothing,
  result: Nothing,
  afterLoss: "resend",
});

/** Ends the orchestrator, for all its clients. */
export const stop = request({
  method: "tandem/stop",
  params: StopParams,
  event: Nothing,
  result: Nothing,
  afterLoss: "never",
});

/** Sent to every client when an engine or the queue changes, and to those that `follow` with new readings; the newest is all there is to know. */
export const statusChanged = notification({ method: "tandem/statusChanged", params: Status });

/** Sent to every client when the orchestrator is about to leave: running requests are finished, new ones are refused; connect anew. */
export const moving = notification({ method: "tandem/moving", params: Moving });

/** Every request there is; the doors offer exactly these. */
export const requests = {
  run,
  generate,
  chat,
  complete,
  embeddings,
  listModels,
  status,
  models,
  pull,
  serve,
  rotateKey,
  stop,
  decisions,
  load,
  unload,
  pin,
  gpuHistory,
  doctor,
  bench,
  benchmarks,
  gpuForecast,
  rank,
  registry,
  register,
  unregister,
  follow,
  builds,
  getBuild,
  acceptNow,
  auditText,
  resetBreaker,
} as const;
