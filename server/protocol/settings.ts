import { z } from "zod";

/** Where one role's text, or vectors, come from. Empty `endpoint`: the embedded engine runs `model`. */
export const RoleSettings = z.object({
  /** Base URL of an OpenAI-compatible server (llama-server, vLLM, Ollama, LM Studio), with or without `/v1`; "" for none. */
  endpoint: z.string().default(""),
  /** "auto", a catalogue id, `file:` and the path of a GGUF, or the name the endpoint knows. */
  model: z.string().default("auto"),
  /** Sent as a bearer token; "" sends none. Never logged. */
  apiKey: z.string().default(""),
  /** "auto", "cpu", or a GPU: "cuda:0", "vulkan:1", "metal". */
  device: z
    .string()
    .regex(/^(auto|cpu|metal|(cuda|vulkan|gpu):\d+)$/, 'use "auto", "cpu", "metal", "cuda:0", "vulkan:1" …')
    .default("auto"),
});
export type RoleSettings = z.output<typeof RoleSettings>;

/** What a client may set. Sent as `initializationOptions` and again with `workspace/didChangeConfiguration`. */
export const Settings = z.object({
  draft: RoleSettings.prefault({}),
  audit: RoleSettings.prefault({}),
  /** Who makes vectors. Unset: the draft's endpoint is asked for them; without one, nobody makes any. */
  embed: RoleSettings.prefault({}),
  /** Path of a llama-server that local models run in; "": the embedded engine. */
  llamaServer: z.string().default(""),
  /** Which tasks a second model audits while the first writes. */
  auditWhen: z.enum(["complex", "always", "never"]).default("complex"),
  /** Ceiling on tokens per draft. */
  maxTokens: z.int().min(16).max(32_768).default(2_048),
  /** Seconds one task may take in all. */
  timeoutS: z.int().min(1).max(300).default(300),
  logLevel: z.enum(["error", "warn", "info", "debug"]).default("info"),
});
export type Settings = z.output<typeof Settings>;
