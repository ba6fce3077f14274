import { z } from "zod";
import { ConfigModel, ModelBackend } from "./configModel.ts";
import { request } from "./define.ts";
import { Role } from "./models.ts";

/** What a server was found to be, by its own answers. `openai`: it lists models as OpenAI does, and is none of the others. */
export const ServerKind = z.enum(["llama-server", "vllm", "ollama", "lm-studio", "openai"]);
export type ServerKind = z.output<typeof ServerKind>;

/** A model that a found server has. */
export const FoundModel = z.object({
  /** As the server wants it in requests. */
  name: z.string(),
  /** The file it says it has loaded; null: it does not say. */
  path: z.string().nullable(),
  /** Of its weights; null: it does not say. */
  bytes: z.number().nullable(),
  /** Whether it is in memory now; null: it does not say. */
  isLoaded: z.boolean().nullable(),
  /** Null: it does not say. */
  use: z.enum(["write", "embed"]).nullable(),
  contextTokens: z.int().nullable(),
});
export type FoundModel = z.output<typeof FoundModel>;

/** A server that runs already, on this machine or on a listed host. */
export const FoundServer = z.object({
  /** Where it answers, without a path. */
  url: z.string(),
  kind: ServerKind,
  version: z.string().nullable(),
  /** It lets nobody in without a key, so that it was not asked further. */
  needsKey: z.boolean(),
  /** It belongs to another user of this machine, so that nothing is sent to it by itself. */
  isForeign: z.boolean(),
  models: z.array(FoundModel),
});
export type FoundServer = z.output<typeof FoundServer>;

/**
 * One model that can be asked for by name.
 * - catalogue   Tandem ships how to get it
 * - config      of the configuration file
 * - registered  by `tandem/registry/register`, until it is unregistered
 * - discovered  of a server that was found running
 */
export const RegisteredModel = z.object({
  name: z.string(),
  origin: z.enum(["catalogue", "config", "registered", "discovered"]),
  backend: ModelBackend,
  /** Its file, its name at a hub, or the server's address. */
  where: z.string(),
  roles: z.array(Role),
  bestFor: z.string().nullable(),
  vramGb: z.number().nullable(),
  /** Of its server, where it has one. */
  port: z.int().nullable(),
  /** Why it is not what its name gives, as another model of this name goes first; null: it is. */
  hiddenBy: z.string().nullable(),
});
export type RegisteredModel = z.output<typeof RegisteredModel>;

const Nothing = z.object({}).strict();
const Registry = z.object({
  models: z.array(RegisteredModel),
  servers: z.array(FoundServer),
  /** The configuration file that this orchestrator goes by, and what is wrong in it. */
  configFile: z.string(),
  problems: z.array(z.object({ line: z.int().nullable(), column: z.int().nullable(), message: z.string() })),
});
export type Registry = z.output<typeof Registry>;

/** Every model there is by name, from wherever. With `look` the configuration file is read again and servers are looked for first, which takes up to two seconds. */
export const registry = request({
  method: "tandem/registry",
  params: z.object({ look: z.boolean().default(false) }).strict(),
  event: Nothing,
  result: Registry,
  afterLoss: "resend",
});

/** Adds a model, for all clients, until it is unregistered; one that was registered under the name is replaced. */
export const register = request({
  method: "tandem/registry/register",
  params: z.object({ model: ConfigModel }).strict(),
  event: Nothing,
  result: RegisteredModel,
  afterLoss: "resend",
});

/** Takes a registered model away again. It stays loaded until it is idle. */
export const unregister = request({
  method: "tandem/registry/unregister",
  params: z.object({ name: z.string().min(1).max(200) }).strict(),
  event: Nothing,
  result: Nothing,
  afterLoss: "resend",
});
