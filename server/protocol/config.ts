import { z } from "zod";
import { ConfigModel } from "./configModel.ts";
import { Tier } from "./run.ts";
import { Device, KeptLocal, RoutingRules } from "./settings.ts";

/** Shares, sizes and times that have a name with their unit in it. */
const percent = (fallback: number, about: string) => z.number().min(1).max(100).default(fallback).describe(about);
const seconds = (fallback: number, about: string) => z.number().min(0).max(86_400).default(fallback).describe(about);
const patience = (most: number, fallback: number, about: string) =>
  z.int().min(1).max(most).default(fallback).describe(about);
const celsius = (fallback: number, about: string) => z.number().min(20).max(120).default(fallback).describe(about);

const endpoint = (about: string) =>
  z
    .string()
    .regex(/^(https?:\/\/\S+)?$/i, "use an address such as http://127.0.0.1:8080, or leave it empty")
    .default("")
    .describe(about);
const apiKey = z
  .string()
  .default("")
  .describe("Key of the endpoint. Make the file readable for you alone if you put one here");

const RoleConfig = z.strictObject({
  endpoint: endpoint(
    "Address of an OpenAI-compatible server (llama-server, vLLM, Ollama, LM Studio); empty: a model of this machine",
  ),
  model: z
    .string()
    .min(1, 'use "auto" for one that suits this machine')
    .default("auto")
    .describe(
      '"auto", a model of the list below or of the catalogue, "file:" and the path of a GGUF, or a name the endpoint knows',
    ),
  apiKey,
  device: Device.default("auto").describe('"auto", "cpu", "metal", or a GPU: "cuda:0", "vulkan:1"'),
  vramLimitGb: z
    .number()
    .positive()
    .max(10_000)
    .nullable()
    .default(null)
    .describe("GB of one GPU that its model may take at most; null: what the GPU has"),
});

const EmbeddingConfig = RoleConfig.extend({
  dimensions: z
    .int()
    .min(1)
    .max(65_536)
    .nullable()
    .default(null)
    .describe("Numbers in each vector; an answer of another length is refused. null: as the model makes them"),
});

/** Which model does what. The documents of the first design say "reasoning" and "embedding": the same as `draft` and `embed`. */
const Roles = z
  .strictObject({
    draft: RoleConfig.prefault({}).describe("Writes"),
    audit: RoleConfig.prefault({}).describe("Reads along while the draft is written; unset: as the draft"),
    embed: EmbeddingConfig.prefault({}).describe("Makes vectors; unset: the draft's endpoint is asked"),
    low: RoleConfig.prefault({}).describe("Does simple work; unset: the models of draft and audit, as routing finds"),
    high: RoleConfig.prefault({}).describe("Does all other work; unset: the models of draft and audit"),
    reasoning: RoleConfig.optional().describe("Another name of draft"),
    embedding: EmbeddingConfig.optional().describe("Another name of embed"),
  })
  .describe("Which model does what");

const Tasks = z
  .strictObject({
    auditWhen: z.enum(["complex", "always", "never"]).default("complex").describe("Which tasks are audited"),
    auditSeconds: z
      .int()
      .min(0)
      .max(300)
      .default(30)
      .describe("How long a draft that is done waits for its audit; 0: not at all"),
    repair: z
      .enum(["never", "once"])
      .default("never")
      .describe("A draft that the audit flags is shown with its findings, or written once more with them first"),
    maxTokens: z.int().min(16).max(32_768).default(2_048).describe("Ceiling on the tokens of one draft"),
    timeoutSeconds: z.int().min(1).max(300).default(300).describe("Ceiling on the time of one task"),
    connectTimeoutSeconds: patience(60, 5, "How long an endpoint may take to be connected to"),
    firstTokenTimeoutSeconds: patience(300, 120, "How long an endpoint may take to write its first token"),
    idleTimeoutSeconds: patience(300, 60, "How long an endpoint may be silent between two tokens"),
    logLevel: z.enum(["error", "warn", "info", "debug"]).default("info").describe("How much is logged"),
    rules: RoutingRules.default([]).describe("What requests that match a pattern mean; the first that matches counts"),
  })
  .describe("What holds for every task");

/** A provider outside this machine. */
const Cloud = z
  .strictObject({
    endpoint: endpoint("Address of an OpenAI-compatible provider; empty: none"),
    model: z.string().min(1).default("auto").describe('The name the provider knows it by; "auto": its first'),
    apiKey,
    tiers: z
      .array(Tier)
      .max(3)
      .default([])
      .describe("Tasks that may be sent there: simple, moderate, complex. Empty: the cloud is switched off"),
    when: z
      .enum(["fallback", "first"])
      .default("fallback")
      .describe("fallback: where no engine here can do it; first: before those"),
    keepLocal: z
      .array(KeptLocal)
      .max(100)
      .default([])
      .describe(
        "Globs of files of which nothing is sent there, besides those that hold secrets by their purpose (.env, keys …)",
      ),
  })
  .describe("A provider outside this machine, which is only asked as far as this says");

const Backends = z
  .strictObject({
    llamaServer: z
      .string()
      .default("")
      .describe("Path of a llama-server that local models run in; empty: the embedded engine"),
    vllm: z.string().default("vllm").describe("The vllm program: a path, or a name on PATH"),
    force: z
      .enum(["auto", "embedded", "llama-server", "vllm", "endpoint"])
      .default("auto")
      .describe("The one backend that may be used, whatever else is said; endpoint: nothing is loaded on this machine"),
  })
  .describe("Programs that models run in");

const Pressure = z
  .strictObject({
    moderatePercent: percent(60, "From here on moderate: idle models go earlier"),
    highPercent: percent(80, "From here on high: nothing large is loaded"),
    criticalPercent: percent(90, "Above this critical: nothing is loaded, busy models may have to go"),
    slackPoints: z
      .number()
      .min(0)
      .max(30)
      .default(5)
      .describe("So far it must fall below a threshold to leave a level"),
    dwellSeconds: seconds(10, "And so long it must stay there"),
  })
  .refine((it) => it.moderatePercent < it.highPercent && it.highPercent < it.criticalPercent, {
    message: "moderatePercent must be less than highPercent, and that less than criticalPercent",
  })
  .describe("How full a GPU's memory is, in percent");

const Memory = z
  .strictObject({
    reserveGb: z
      .number()
      .min(0)
      .max(1_000)
      .default(3)
      .describe("GB of each GPU that no model gets: the desktop's, the browser's"),
    gpuReserveGb: z
      .record(z.string().min(1).max(200), z.number().min(0).max(1_000))
      .default({})
      .describe("The same for single GPUs, by uuid (`tandem doctor` lists them)"),
    pressure: Pressure.prefault({}),
    unloadAfterSeconds: seconds(300, "An idle model is unloaded after this; 0: never"),
    trimAfterSeconds: seconds(60, "An idle model's keys and values are freed after this, where it can; 0: never"),
    moderateIdleSeconds: seconds(120, "Under moderate pressure, idle models go after this"),
    highIdleSeconds: seconds(30, "Under high pressure, idle models go after this"),
    graceSeconds: seconds(5, "Under critical pressure, requests under way get this long"),
    minResidencySeconds: seconds(10, "A model just loaded is not unloaded for another one's sake before this"),
    maxPassedOverSeconds: seconds(30, "Nobody waits longer than this because loaded models go first"),
    settleSeconds: seconds(5, "How long a GPU may take to show memory as free"),
    mostWaiting: z.int().min(1).max(10_000).default(64).describe("Requests that may wait for one model"),
    blindPercent: z.number().min(0).max(90).default(10).describe("Kept free besides while a GPU cannot be read"),
  })
  .describe("What is given to models, and when they are unloaded");

const Thermal = z
  .strictObject({
    warmCelsius: celsius(65, "From here on warm: watched"),
    hotCelsius: celsius(80, "Above this hot: load is shed"),
    criticalCelsius: celsius(85, "Above this critical: no new work, one model at most"),
    slackDegrees: z.number().min(0).max(30).default(5).describe("So far it must cool down to leave a level"),
    dwellSeconds: seconds(10, "And so long it must stay there"),
    slopeSeconds: z
      .number()
      .min(10)
      .max(600)
      .default(30)
      .describe("How far back its slope is taken, and how far ahead it is drawn"),
  })
  .refine((it) => it.warmCelsius < it.hotCelsius && it.hotCelsius < it.criticalCelsius, {
    message: "warmCelsius must be less than hotCelsius, and that less than criticalCelsius",
  })
  .describe("How warm a GPU may be");

const Discovery = z
  .strictObject({
    isLoopbackProbed: z
      .boolean()
      .default(true)
      .describe("Whether this machine's usual ports are looked at: 11434, 8080, 8000, 1234"),
    isAttached: z
      .boolean()
      .default(true)
      .describe("Whether a model that a found server has loaded is asked there instead of being loaded a second time"),
    everySeconds: z
      .int()
      .min(10)
      .max(86_400)
      .default(300)
      .describe("What was found is looked at again after this, when somebody needs it"),
  })
  .describe("Servers that run already");

/** The first of a name counts; each later one is told. */
const Models = z
  .array(ConfigModel)
  .max(200)
  .superRefine((models, ctx) => {
    for (const [index, { name }] of models.entries())
      if (models.findIndex((it) => it.name === name) < index)
        ctx.addIssue({ code: "custom", path: [index, "name"], message: `"${name}" is the name of an earlier model` });
  });

/** The configuration file, the same for all clients. What it leaves out has the default that stands here. */
export const Config = z.strictObject({
  $schema: z.string().optional().describe("Where editors find what may stand in this file"),
  roles: Roles.prefault({}),
  tasks: Tasks.prefault({}),
  cloud: Cloud.prefault({}),
  models: Models.default([]).describe("Your own models"),
  hosts: z
    .array(z.string().regex(/^https?:\/\/[^\s/?#@]+\/?$/i, "use an address such as http://192.168.1.5:11434"))
    .max(32)
    .default([])
    .describe("Servers to look at beside this machine's: http://192.168.1.5:11434"),
  discovery: Discovery.prefault({}),
  backends: Backends.prefault({}),
  memory: Memory.prefault({}),
  thermal: Thermal.prefault({}),
});
export type Config = z.output<typeof Config>;
