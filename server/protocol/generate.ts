import { z } from "zod";
import { ModelInfo } from "./models.ts";
import { RunEvent } from "./run.ts";

/** One call to a model, without classification, context or checks. Exactly one of `prompt` and `messages` is given. */
export const GenerateParams = z
  .object({
    /** Continued as it stands. */
    prompt: z.string().min(1).optional(),
    /** A conversation, put through the model's own chat template. */
    messages: z
      .array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() }))
      .min(1)
      .max(200)
      .optional(),
    /** Which engine: the one that drafts, or the one that audits. */
    role: z.enum(["draft", "audit"]).default("draft"),
    maxTokens: z.int().min(1).max(32_768).default(512),
    /** 0 is greedy. Usual: 0.2 extraction, 0.7 by default, 0.9 creative. */
    temperature: z.number().min(0).max(2).default(0.7),
    topP: z.number().gt(0).max(1).default(0.95),
    /** 1 penalises nothing. */
    repeatPenalty: z.number().min(0.5).max(2).default(1),
    seed: z.int().min(0).nullable().default(null),
    /** Generation ends before any of these; they are not part of the text. */
    stop: z.array(z.string().min(1)).max(16).default([]),
  })
  .refine((it) => (it.prompt === undefined) !== (it.messages === undefined), {
    message: "give either prompt or messages",
    path: ["prompt"],
  });
export type GenerateParams = z.output<typeof GenerateParams>;

/** What comes while it works: routed, waiting, downloading, loading, ready, notice; then `draft` with text as it is written. */
export const GenerateEvent = RunEvent;

export const GenerateResult = z.object({
  text: z.string(),
  promptTokens: z.int(),
  completionTokens: z.int(),
  /** Prompt and completion together. */
  tokensUsed: z.int(),
  /** From the request to the last token, loading and waiting included. */
  latencyMs: z.number(),
  /** From asking the engine to the first token; null when there was none. */
  ttftMs: z.number().nullable(),
  finish: z.enum(["stop", "length"]),
  model: ModelInfo,
  device: z.string(),
});
export type GenerateResult = z.output<typeof GenerateResult>;
