import { z } from "zod";
import { Role } from "./models.ts";
import { Device } from "./settings.ts";

/** llama.cpp's own names of what it keeps keys and values in. */
const KvType = z.enum(["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"]);

/**
 * - embedded      a GGUF in Tandem's own engine
 * - llama-server  a GGUF in a llama-server that Tandem starts
 * - vllm          a hub's model in a vLLM that Tandem starts
 * - ollama        a model that an Ollama serves
 * - endpoint      a model that any other OpenAI-compatible server serves
 */
export const ModelBackend = z.enum(["embedded", "llama-server", "vllm", "ollama", "endpoint"]);
export type ModelBackend = z.output<typeof ModelBackend>;

/** Requests and commands take a model's name, and these words. */
const TAKEN: ReadonlySet<string> = new Set(["auto", "draft", "audit", "embed"]);

const shape = {
  name: z
    .string()
    .regex(/^[\w@][\w.:/@+-]{0,99}$/, "use letters, digits and . : / @ + - _")
    .refine((it) => !TAKEN.has(it), 'use another: "auto", "draft", "audit" and "embed" have a meaning of their own')
    .describe("What it is asked for by; no two models have the same"),
  backend: ModelBackend.default("embedded").describe("What it runs in"),
  model: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe(
      "A GGUF's path or a catalogue id; for vllm a hub's id or a folder; for servers its name there (left out: this name, or the server's first)",
    ),
  url: z
    .string()
    .regex(/^https?:\/\/[^\s?#@]+$/i, "use an address such as http://127.0.0.1:8080")
    .optional()
    .describe("Address of its server (ollama, endpoint)"),
  port: z.int().min(1).max(65_535).optional().describe("Port of its server on this machine, in place of url"),
  apiKey: z
    .string()
    .max(4_096)
    .optional()
    .describe("Key of its server. Make the file readable for you alone if you put one here"),
  roles: z
    .array(Role.exclude(["cloud"]))
    .max(5)
    .optional()
    .describe('What it is used for where a role\'s model is "auto": draft, audit, embed, low, high'),
  device: Device.optional().describe('"auto", "cpu", "metal", or a GPU: "cuda:0"'),
  contextTokens: z.int().min(128).max(10_000_000).optional().describe("Tokens of prompt and answer together"),
  slots: z.int().min(1).max(64).optional().describe("Requests that it answers at once"),
  keyType: KvType.optional().describe("What keys are kept in; q8_0 takes about half of f16"),
  valueType: KvType.optional().describe("What values are kept in; less than f16 needs flash attention"),
  flashAttention: z.enum(["auto", "on", "off"]).optional().describe('"auto": as the engine thinks best'),
  gpuLayers: z
    .union([z.int().min(0).max(1_000), z.enum(["all", "auto"])])
    .optional()
    .describe('Layers on GPUs: a number, "all", or "auto" for what fits'),
  adapter: z.string().min(1).max(4_096).optional().describe("Path of a LoRA adapter (llama-server)"),
  quantization: z.enum(["awq", "gptq", "fp8", "bitsandbytes"]).optional().describe("As vLLM is told (vllm)"),
  memoryShare: z.number().min(0.05).max(0.98).optional().describe("Of each GPU's memory, taken at the start (vllm)"),
  extraArguments: z
    .array(z.string().max(4_096))
    .max(64)
    .optional()
    .describe("Further arguments of its server (llama-server, vllm)"),
  vramGb: z.number().min(0).max(10_000).optional().describe("GB that it takes of a GPU, in place of what is reckoned"),
  vramLimitGb: z.number().positive().max(10_000).optional().describe("GB of one GPU that it may take at most"),
  weight: z
    .number()
    .min(0.01)
    .max(100)
    .optional()
    .describe("How much it hurts to be without it: 2 keeps it loaded twice as long as 1"),
  isPinned: z.boolean().optional().describe("Never unloaded by itself"),
  isPreloaded: z.boolean().optional().describe("Loaded before anybody asks"),
  bestFor: z.string().max(200).optional().describe("A word for people, shown in lists"),
};

type Fields = z.output<z.ZodObject<typeof shape>>;

const ALWAYS: readonly (keyof Fields)[] = ["name", "backend", "model", "roles", "bestFor"];
const OURS: readonly (keyof Fields)[] = [
  ...(["device", "contextTokens", "vramGb", "vramLimitGb", "weight", "isPinned", "isPreloaded"] as const),
];
const LLAMA: readonly (keyof Fields)[] = ["slots", "keyType", "valueType", "flashAttention", "gpuLayers"];
const SERVED: readonly (keyof Fields)[] = ["url", "port", "apiKey"];

/** What has an effect, by backend. */
const EFFECTIVE: Readonly<Record<ModelBackend, readonly (keyof Fields)[]>> = {
  embedded: [...ALWAYS, ...OURS, ...LLAMA],
  "llama-server": [...ALWAYS, ...OURS, ...LLAMA, "adapter", "extraArguments"],
  vllm: [...ALWAYS, ...OURS, "quantization", "memoryShare", "extraArguments"],
  ollama: [...ALWAYS, ...SERVED],
  endpoint: [...ALWAYS, ...SERVED],
};

/** One model of the user's: from the configuration file, or registered while the orchestrator runs. */
export const ConfigModel = z.strictObject(shape).superRefine((it, ctx) => {
  const say = (path: string[], message: string) => ctx.addIssue({ code: "custom", path, message });
  for (const [key, value] of Object.entries(it))
    if (value !== undefined && !EFFECTIVE[it.backend].some((known) => known === key))
      say([key], `has no effect on a model of backend "${it.backend}"`);
  const isServed = it.backend === "ollama" || it.backend === "endpoint";
  if (!isServed && it.model === undefined)
    say(["backend"], `needs "model" beside it: a file, a catalogue id or a hub's id`);
  if (it.backend === "endpoint" && it.url === undefined && it.port === undefined)
    say(["backend"], 'needs "url" or "port" beside it');
  if (it.url !== undefined && it.port !== undefined) say(["port"], "say either url or port");
});
export type ConfigModel = z.output<typeof ConfigModel>;
