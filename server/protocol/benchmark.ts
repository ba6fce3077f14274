import { z } from "zod";
import { request } from "./define.ts";
import { ModelInfo } from "./models.ts";
import { RunEvent } from "./run.ts";

/** What repeated measurements came to; rates are in tokens per second. */
export const Spread = z.object({ median: z.number(), least: z.number(), most: z.number(), samples: z.int().min(1) });
export type Spread = z.output<typeof Spread>;

/** What one model does on one device, in one engine, with one way of loading. */
export const Benchmark = z.object({
  /** Wall clock, milliseconds since 1970. */
  atMs: z.number(),
  /** The engine's name in the client's session. */
  engine: z.string(),
  model: ModelInfo,
  /** Which program runs it. */
  backend: z.enum(["embedded", "llama-server", "vllm", "endpoint"]),
  /** "cpu", "cuda:0", or an endpoint's host; `cards`: uuids of the GPUs that it is on, where the driver tells. */
  device: z.string(),
  cards: z.array(z.string()),
  slots: z.int(),
  load: z.object({
    /** The first time since the start: from the disk, as far as the system does not hold the file already. Null: it was loaded before. */
    firstMs: z.number().nullable(),
    /** Unloaded and loaded again at once: from the system's cache. Null: it could not be unloaded, or was not to be. */
    againMs: z.number().nullable(),
    /** Why `againMs` is null; null: it is not. */
    why: z.string().nullable(),
  }),
  /** From asking to the first token and reading's own rate, by the length of the prompt; nothing of it was in the KV cache. */
  prompts: z.array(
    z.object({
      promptTokens: z.int(),
      /** As it was asked for: how many a text has is known when it is read. Left out by older measurements. */
      askedTokens: z.int().optional(),
      ttftMs: Spread,
      prefillPerSecond: Spread,
    }),
  ),
  decode: z.object({ completionTokens: z.int(), perSecond: Spread }).nullable(),
  /** So many requests at once; all of their answers' tokens by the time from the first request to the last answer. */
  batches: z.array(z.object({ requests: z.int(), tokensPerSecond: Spread })),
  /** What may have made the figures worse than they are, for people. */
  notices: z.array(z.string()),
});
export type Benchmark = z.output<typeof Benchmark>;

export const BenchEvent = z.discriminatedUnion("kind", [
  ...RunEvent.options,
  /** What is measured next; `of` measurements make this engine's benchmark. */
  z.object({ kind: z.literal("measuring"), engine: z.string(), what: z.string(), nth: z.int(), of: z.int() }),
  z.object({ kind: z.literal("benchmarked"), benchmark: Benchmark }),
]);
export type BenchEvent = z.output<typeof BenchEvent>;

export const BenchParams = z
  .object({
    /** Names as `model` has them in OpenAI's requests; empty: what this client's settings name for writing. */
    models: z.array(z.string().min(1).max(1_000)).max(16).default([]),
    /** Prompts that do not fit a model's context are left out. */
    promptTokens: z.array(z.int().min(16).max(131_072)).min(1).max(8).default([128, 512, 2_048]),
    completionTokens: z.int().min(8).max(2_048).default(64),
    /** Of each measurement; a first request that does not count comes before all of them. */
    repetitions: z.int().min(1).max(20).default(3),
    /** Whether to unload and load it again; `leave`: what is loaded stays so. */
    load: z.enum(["measure", "leave"]).default("measure"),
  })
  .strict();
export type BenchParams = z.output<typeof BenchParams>;

/**
 * Measures models as they stand here, one after the other, as background work: others' requests go first. Routing goes by what it finds.
 * Cancel with `$/cancelRequest`; what is complete by then is kept. Throws TandemError: bad-input, not-configured, as `acquire` does.
 */
export const bench = request({
  method: "tandem/bench",
  params: BenchParams,
  event: BenchEvent,
  result: z.object({ benchmarks: z.array(Benchmark) }),
  afterLoss: "resend",
});

/** What was measured before, the newest first; at most 200. */
export const benchmarks = request({
  method: "tandem/benchmarks",
  params: z.object({}).strict(),
  event: z.object({}).strict(),
  result: z.object({ benchmarks: z.array(Benchmark) }),
  afterLoss: "resend",
});
