import { z } from "zod";
import { KV_TYPES } from "../core/estimatePlan.ts";
import { ErrorCode } from "../protocol/errors.ts";

/** What the engine child may use, decided by the orchestrator. */
export const Gpu = z.enum(["none", "auto", "cuda", "vulkan", "metal"]);
export type Gpu = z.output<typeof Gpu>;

/** `GenerateRequest` as it crosses the process border. */
const Request = z.object({
  prompt: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("text"), text: z.string() }),
    z.object({
      kind: z.literal("chat"),
      messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() })),
    }),
  ]),
  maxTokens: z.int().min(0),
  temperature: z.number().min(0),
  topP: z.number(),
  repeatPenalty: z.number(),
  seed: z.int().nullable(),
  stop: z.array(z.string()),
  /** GBNF. */
  grammar: z.string().nullable(),
});
export type WireRequest = z.output<typeof Request>;

/** What of `LoadOptions` the library knows: one request at a time, and over several cards it splits as it likes. */
const Options = z.object({
  keyType: z.enum(KV_TYPES),
  valueType: z.enum(KV_TYPES),
  flashAttention: z.enum(["auto", "on", "off"]),
  gpuLayers: z.union([z.int().min(0), z.literal("all"), z.literal("auto")]),
});

/** Orchestrator to engine child. `load` (or `reach` alone) comes once, first; then one `generate` or `embed` at a time, as the load's `use` says. */
export const ToChild = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("load"),
    path: z.string(),
    gpu: Gpu,
    threads: z.int().min(1),
    contextTokens: z.int().min(1),
    use: z.enum(["write", "embed"]),
    options: Options,
    /** Names of the cards that it is to be on, for Vulkan, which has an order of its own; empty: not looked at. */
    cardNames: z.array(z.string()),
    /** Where fetched builds of llama.cpp lie; null: only those that came along. */
    builds: z.string().nullable(),
  }),
  /** In place of `load`: which kind of device the builds here would use. Answered by `reached` or `load-failed`. */
  z.object({ kind: z.literal("reach"), gpu: Gpu, builds: z.string().nullable() }),
  z.object({ kind: z.literal("generate"), id: z.int(), request: Request }),
  z.object({ kind: z.literal("embed"), id: z.int(), texts: z.array(z.string()) }),
  /** Frees keys and values, when nothing runs; the next work makes room for them anew. Answered by `trimmed`. */
  z.object({ kind: z.literal("trim") }),
  /** Answered by whatever ends work `id`, soon; nothing happens when it has ended. */
  z.object({ kind: z.literal("cancel"), id: z.int() }),
  z.object({ kind: z.literal("leave") }),
]);
export type ToChild = z.output<typeof ToChild>;

const Failure = z.object({
  code: ErrorCode,
  message: z.string(),
  nextStep: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Failure = z.output<typeof Failure>;

/** Engine child to orchestrator. After `done`, `embedded`, `failed` or `cancelled` the engine is free. */
export const FromChild = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("loaded"),
    gpu: z.string(),
    threads: z.int(),
    /** Bytes by llama.cpp's names for memories; null: it said nothing. */
    buffers: z.record(z.string(), z.number()).nullable(),
    said: z.string().nullable(),
  }),
  /** Vulkan's devices under these numbers are others than the cards that were named. */
  z.object({ kind: z.literal("other-devices"), names: z.array(z.string()) }),
  /** The kind of device, "none" for the processor, and the names of what it sees of that kind. */
  z.object({ kind: z.literal("reached"), gpu: z.string(), names: z.array(z.string()) }),
  z.object({ kind: z.literal("trimmed") }),
  z.object({ kind: z.literal("load-failed"), failure: Failure }),
  /** Another part of the prompt is read: a sign of life, before the first text. */
  z.object({ kind: z.literal("reading"), id: z.int() }),
  z.object({ kind: z.literal("text"), id: z.int(), text: z.string() }),
  z.object({
    kind: z.literal("done"),
    id: z.int(),
    finish: z.enum(["stop", "length"]),
    promptTokens: z.int(),
    cachedTokens: z.int(),
    completionTokens: z.int(),
    prefillMs: z.number(),
    decodeMs: z.number(),
  }),
  /** Of the next text. */
  z.object({ kind: z.literal("vector"), id: z.int(), vector: z.array(z.number()) }),
  z.object({ kind: z.literal("embedded"), id: z.int(), promptTokens: z.int() }),
  z.object({ kind: z.literal("cancelled"), id: z.int() }),
  z.object({ kind: z.literal("failed"), id: z.int(), failure: Failure }),
  z.object({ kind: z.literal("log"), level: z.enum(["error", "warn", "info", "debug"]), text: z.string() }),
]);
export type FromChild = z.output<typeof FromChild>;
