import { z } from "zod";
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

/** Orchestrator to engine child. `load` comes once, first; then one `generate` or `embed` at a time, as the load's `use` says. */
export const ToChild = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("load"),
    path: z.string(),
    gpu: Gpu,
    threads: z.int().min(1),
    contextTokens: z.int().min(1),
    use: z.enum(["write", "embed"]),
  }),
  z.object({ kind: z.literal("generate"), id: z.int(), request: Request }),
  z.object({ kind: z.literal("embed"), id: z.int(), texts: z.array(z.string()) }),
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
  z.object({ kind: z.literal("loaded"), gpu: z.string(), threads: z.int() }),
  z.object({ kind: z.literal("load-failed"), failure: Failure }),
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
