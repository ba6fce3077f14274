import { z } from "zod";
import { Action, Tier } from "./run.ts";

/** Base URL of an OpenAI-compatible server (llama-server, vLLM, Ollama, LM Studio), with or without `/v1`; "" for none. */
const Endpoint = z.string();
/** "auto", a catalogue id, a configured or found model's name, `file:` and the path of a GGUF, or the name the endpoint knows. */
const Model = z.string();
/** "auto", "cpu", or a GPU: "cuda:0", "vulkan:1", "metal". */
export const Device = z
  .string()
  .regex(/^(auto|cpu|metal|(cuda|vulkan|gpu):\d+)$/, 'use "auto", "cpu", "metal", "cuda:0", "vulkan:1" …');
/** Binary gigabytes of one GPU that the role's model may take, as seed documents give them; null: what the GPU has. */
const VramLimit = z.number().positive().max(10_000).nullable();
/** Numbers in each vector; an answer of another length is refused. Null: as the model makes them. */
const Dimensions = z.int().min(1).max(65_536).nullable();

/** Where one role's text, or vectors, come from. Empty `endpoint`: the embedded engine runs `model`. */
export const RoleSettings = z.object({
  endpoint: Endpoint.default(""),
  model: Model.default("auto"),
  /** Sent as a bearer token; "" sends none. Never logged. */
  apiKey: z.string().default(""),
  device: Device.default("auto"),
  vramLimitGb: VramLimit.default(null),
});
export type RoleSettings = z.output<typeof RoleSettings>;

/** Of the role that makes vectors. */
export const EmbedSettings = RoleSettings.extend({ dimensions: Dimensions.default(null) });

/** Constructs that would make a match take longer than the text is long; a rule is tried on every request. */
const BEYOND_LINEAR = /\(\?(?!:)|\\[1-9kpPuxc]|\{\d*,?\d*\}/;

/** A pattern of plain regular expressions: no look-around, back references or counts. */
const RulePattern = z
  .string()
  .min(1)
  .max(200)
  .superRefine((pattern, ctx) => {
    if (BEYOND_LINEAR.test(pattern))
      ctx.addIssue("look-around, back references, \\p, \\u, \\x and {n,m} are not understood in a rule");
    else if (!isRegularExpression(pattern)) ctx.addIssue("is no regular expression");
  });

function isRegularExpression(pattern: string): boolean {
  try {
    new RegExp(pattern, "i");
    return true;
  } catch {
    return false;
  }
}

/** What a user lays down for requests that match, wherever in the request, whatever the case; what is left out is found as ever. */
export const RoutingRule = z
  .strictObject({
    pattern: RulePattern.describe("A regular expression that the request is searched for; case does not count"),
    action: Action.optional().describe("What such a request asks for"),
    tier: Tier.optional().describe("How heavy it is: simple, moderate or complex"),
    model: z.string().min(1).max(300).optional().describe("The model that does it, by its name"),
  })
  .refine((it) => it.action !== undefined || it.tier !== undefined || it.model !== undefined, {
    message: "a rule needs an action, a tier or a model",
  });
export type RoutingRule = z.output<typeof RoutingRule>;
/** The first that matches counts. */
export const RoutingRules = z.array(RoutingRule).max(50);

const AuditWhen = z.enum(["complex", "always", "never"]);
const MaxTokens = z.int().min(16).max(32_768);
const TimeoutS = z.int().min(1).max(300);
const LogLevel = z.enum(["error", "warn", "info", "debug"]);

/** A glob of paths that the cloud never sees. With more stars a match would take a high power of the path's length. */
export const KeptLocal = z
  .string()
  .min(1)
  .max(300)
  .refine((glob) => (glob.match(/\*\*/g) ?? []).length <= 2 && glob.split("/").every((it) => starsIn(it) <= 3), {
    message: "at most three * between two slashes, and two ** in all",
  });

function starsIn(text: string): number {
  return text.split("*").length - 1;
}

/** A client's, the file's and the environment's together. */
const MOST_KEPT_OF_ALL = 300;

/** A provider outside this machine that answers only as far as the user allows it. Without tiers it is never asked. */
export const CloudSettings = RoleSettings.pick({ endpoint: true, model: true, apiKey: true }).extend({
  /** Tasks it may see. */
  tiers: z.array(Tier).max(3).default([]),
  /** `fallback`: when no engine here can answer. `first`: before them. */
  when: z.enum(["fallback", "first"]).default("fallback"),
  /** Requests with code of such files stay here, besides those that look like they hold secrets. */
  keepLocal: z.array(KeptLocal).max(MOST_KEPT_OF_ALL).default([]),
});
export type CloudSettings = z.output<typeof CloudSettings>;

/** A flagged draft is shown with its findings, or written once more with them first. */
const Repair = z.enum(["never", "once"]);
/** Seconds. */
const AuditS = z.int().min(0).max(300);
const ConnectTimeoutS = z.int().min(1).max(60);
const PatienceS = z.int().min(1).max(300);

/** What holds for one client: its own settings over the environment's, over the configuration file's, over the defaults. */
export const Settings = z.object({
  draft: RoleSettings.prefault({}),
  audit: RoleSettings.prefault({}),
  /** Who makes vectors. Unset: the draft's endpoint is asked for them; without one, nobody makes any. */
  embed: EmbedSettings.prefault({}),
  /** Who does simple work, and who all other; unset: the draft's and audit's models, as routing finds. */
  low: RoleSettings.prefault({}),
  high: RoleSettings.prefault({}),
  cloud: CloudSettings.prefault({}),
  /** Path of a llama-server that local models run in; "": the embedded engine. */
  llamaServer: z.string().default(""),
  /** Which tasks a second model audits while the first writes. */
  auditWhen: AuditWhen.default("complex"),
  /** How long a draft that is done waits for its audit. */
  auditSeconds: AuditS.default(30),
  repair: Repair.default("never"),
  /** What the user has laid down about requests; the first rule that matches counts. */
  rules: RoutingRules.default([]),
  /** Ceiling on tokens per draft. */
  maxTokens: MaxTokens.default(2_048),
  /** Seconds one task may take in all. */
  timeoutS: TimeoutS.default(300),
  /** Seconds an endpoint may take to be connected to, to write its first token, and between two signs of life. */
  connectTimeoutS: ConnectTimeoutS.default(5),
  firstTokenTimeoutS: PatienceS.default(120),
  idleTimeoutS: PatienceS.default(60),
  logLevel: LogLevel.default("info"),
});
export type Settings = z.output<typeof Settings>;

const ClientRole = z.object({
  endpoint: Endpoint.optional(),
  model: Model.optional(),
  apiKey: z.string().optional(),
  device: Device.optional(),
  vramLimitGb: VramLimit.optional(),
});

/**
 * What a client itself sets: only what its user has said, so that what is left out comes from the configuration file. Sent as
 * `initializationOptions` and again with `workspace/didChangeConfiguration`.
 */
export const ClientSettings = z.object({
  draft: ClientRole.optional(),
  audit: ClientRole.optional(),
  embed: ClientRole.extend({ dimensions: Dimensions.optional() }).optional(),
  low: ClientRole.optional(),
  high: ClientRole.optional(),
  cloud: ClientRole.pick({ endpoint: true, model: true, apiKey: true })
    .extend({
      tiers: z.array(Tier).max(3).optional(),
      when: z.enum(["fallback", "first"]).optional(),
      keepLocal: z.array(KeptLocal).max(100).optional(),
    })
    // A slip in a name must not let go what was meant to stay.
    .strict()
    .optional(),
  llamaServer: z.string().optional(),
  auditWhen: AuditWhen.optional(),
  auditSeconds: AuditS.optional(),
  repair: Repair.optional(),
  connectTimeoutS: ConnectTimeoutS.optional(),
  firstTokenTimeoutS: PatienceS.optional(),
  idleTimeoutS: PatienceS.optional(),
  rules: RoutingRules.optional(),
  maxTokens: MaxTokens.optional(),
  timeoutS: TimeoutS.optional(),
  logLevel: LogLevel.optional(),
});
export type ClientSettings = z.output<typeof ClientSettings>;
