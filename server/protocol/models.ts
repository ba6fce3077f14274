import { z } from "zod";

/**
 * What a model is used for. `embed` models make vectors and never text. `low` and `high` are the providers of the two quality tiers where
 * the user has set any: simple work goes to `low`, all other to `high`. A `cloud` model is asked only as far as the user allows it.
 */
export const Role = z.enum(["draft", "audit", "embed", "low", "high", "cloud"]);
export type Role = z.output<typeof Role>;

/**
 * How a model is best asked. `chat` models follow instructions in turns; a `completion` model only continues text, so
 * it is given real code up to the point where it should go on.
 */
export const PromptStyle = z.enum(["chat", "completion"]);
export type PromptStyle = z.output<typeof PromptStyle>;

/** A model as every part of Tandem sees it, wherever it runs. */
export const ModelInfo = z.object({
  /** Catalogue id, `file:` path, or the name an endpoint gives it. */
  id: z.string(),
  label: z.string(),
  /** Parameters in billions; null when unknown (endpoints do not say). */
  parametersB: z.number().positive().nullable(),
  quantisation: z.string().nullable(),
  /** Tokens the engine is asked to hold: prompt and answer together. */
  contextTokens: z.int().positive(),
  promptStyle: PromptStyle,
  /** True for the small stand-in that is there to try Tandem out; every result says so. */
  isTrial: z.boolean(),
});
export type ModelInfo = z.output<typeof ModelInfo>;

/** Progress of fetching a model. Bytes; `etaMs` is null until a rate is known. */
export const DownloadProgress = z.object({
  model: z.string(),
  doneBytes: z.number(),
  totalBytes: z.number().nullable(),
  bytesPerSecond: z.number().nullable(),
  etaMs: z.number().nullable(),
});
export type DownloadProgress = z.output<typeof DownloadProgress>;
