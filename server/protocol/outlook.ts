import { z } from "zod";
import { request } from "./define.ts";
import { RouteCandidate } from "./run.ts";

const Nothing = z.object({}).strict();

/** How much of each GPU's memory will be in use, as far as its history tells. Bytes; null: cannot be told. */
export const gpuForecast = request({
  method: "tandem/gpus/forecast",
  params: z.object({ hours: z.number().gt(0).max(720).default(1) }).strict(),
  event: Nothing,
  result: z.object({
    gpus: z.array(
      z.object({
        uuid: z.string(),
        name: z.string(),
        usedBytes: z.number().nullable(),
        totalBytes: z.number().nullable(),
        projectedBytes: z.number().nullable(),
        /** In nine of ten cases it lies between these; null: too little is known. */
        fromBytes: z.number().nullable(),
        toBytes: z.number().nullable(),
        samples: z.int(),
        spanMs: z.number(),
        /** One sentence: what the figures rest on. */
        why: z.string(),
      }),
    ),
  }),
  afterLoss: "resend",
});

/** The engines that write, the one that would be done first before the others, with every term of its cost. Nothing is run. */
export const rank = request({
  method: "tandem/engines/rank",
  params: z
    .object({
      promptTokens: z.int().min(1).max(1_000_000).default(1_000),
      completionTokens: z.int().min(1).max(32_768).default(256),
    })
    .strict(),
  event: Nothing,
  result: z.object({ candidates: z.array(RouteCandidate), why: z.string() }),
  afterLoss: "resend",
});
