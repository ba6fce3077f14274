import { z } from "zod";
import { GenerateParams, type GenerateResult } from "./generate.ts";

/** The body of `POST /generate`: the names that Hugging Face's generation has. Others are refused, since they would do nothing. */
export const SimpleParams = z.strictObject({
  prompt: z.string().min(1),
  max_new_tokens: z.int().min(1).max(32_768).default(256),
  temperature: z.number().min(0).max(2).default(0.7),
  top_p: z.number().gt(0).max(1).default(0.95),
  /** False is greedy, whatever the temperature. */
  do_sample: z.boolean().default(true),
  /** 1 penalises nothing. */
  repetition_penalty: z.number().min(0.5).max(2).default(1),
  seed: z.int().min(0).nullable().default(null),
  /** Generation ends before any of these. */
  stop: z.array(z.string().min(1)).max(16).default([]),
  stream: z.boolean().default(false),
});
export type SimpleParams = z.output<typeof SimpleParams>;

/** What `POST /generate` answers. */
export const SimpleResult = z.object({
  generated_text: z.string(),
  /** Tokens written. */
  token_count: z.int(),
  /** Seconds from the request to the last token, loading and waiting included. */
  computation_time: z.number(),
  /** Tokens written in each of these seconds. */
  throughput: z.number(),
});
export type SimpleResult = z.output<typeof SimpleResult>;

/** The prompt is what a user says, put through the model's own chat template, as its examples are questions. */
export function fromSimple(params: SimpleParams): GenerateParams {
  const { prompt, max_new_tokens, temperature, top_p, do_sample, repetition_penalty, seed, stop } = params;
  return GenerateParams.parse({
    messages: [{ role: "user", content: prompt }],
    maxTokens: max_new_tokens,
    temperature: do_sample ? temperature : 0,
    topP: do_sample ? top_p : 1,
    repeatPenalty: repetition_penalty,
    seed,
    stop,
  });
}

/** The answer in those names. */
export function toSimple({ text, completionTokens, latencyMs }: GenerateResult): SimpleResult {
  const seconds = latencyMs / 1000;
  return {
    generated_text: text,
    token_count: completionTokens,
    computation_time: seconds,
    throughput: seconds > 0 ? completionTokens / seconds : 0,
  };
}
