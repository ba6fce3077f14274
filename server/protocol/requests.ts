import { z } from "zod";
import { notification, request } from "./define.ts";
import { GenerateEvent, GenerateParams, GenerateResult } from "./generate.ts";
import { ModelInfo, Role } from "./models.ts";
import { RunEvent, RunParams, RunResult } from "./run.ts";
import { Status } from "./status.ts";

const Nothing = z.object({}).strict();

/** The main job: classify, route, draft and audit; answers with an edit or with Markdown. Cancel with `$/cancelRequest`. */
export const run = request({ method: "tandem/run", params: RunParams, event: RunEvent, result: RunResult });

/** One call to a model, nothing around it. Cancel with `$/cancelRequest`. */
export const generate = request({
  method: "tandem/generate",
  params: GenerateParams,
  event: GenerateEvent,
  result: GenerateResult,
});

/** What runs where, at this moment. */
export const status = request({ method: "tandem/status", params: Nothing, event: Nothing, result: Status });

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
});

/** Fetches one model into the cache. Events are `downloading`. */
export const pull = request({
  method: "tandem/models/pull",
  params: z.object({ model: z.string() }),
  event: RunEvent,
  result: z.object({ model: ModelInfo, path: z.string() }),
});

/** Sent to every client when an engine or the queue changes; the newest one is all there is to know. */
export const statusChanged = notification({ method: "tandem/statusChanged", params: Status });

/** Every request there is; the doors offer exactly these. */
export const requests = { run, generate, status, models, pull } as const;
