import { stat } from "node:fs/promises";
import { TandemError } from "../errors.ts";
import { ConfigModel } from "../protocol/configModel.ts";
import { type RegisteredModel, type Registry, register, unregister } from "../protocol/registry.ts";
import type { Client } from "./client.ts";
import { wrongFlags } from "./flagIssue.ts";
import { fileFromHere } from "./fromHere.ts";
import type { Out } from "./printer.ts";
import type { Site } from "./site.ts";
import { align } from "./table.ts";

/** Flags of `tandem register`, as node:util's parseArgs wants them. */
export const REGISTER_FLAGS = {
  backend: { type: "string" },
  url: { type: "string" },
  port: { type: "string" },
  vram: { type: "string" },
  context: { type: "string" },
  role: { type: "string" },
  "best-for": { type: "string" },
} as const;

type Flags = { readonly [Flag in keyof typeof REGISTER_FLAGS]?: string | boolean | undefined };
interface Given extends Flags {
  readonly model?: string | undefined;
  readonly device?: string | undefined;
}

export interface RegistryShown {
  readonly out: Out;
  readonly isJson: boolean;
}

/** The model that the command line describes. Throws TandemError bad-input. */
export function toModel(words: readonly string[], values: Given): ConfigModel {
  const [name, ...more] = words;
  if (name === undefined || more.length > 0)
    throw new TandemError(
      "bad-input",
      "`register` takes one name",
      "tandem register NAME --model FILE, or --backend ollama",
    );
  const number = (value: string | boolean | undefined) => (value === undefined ? undefined : Number(value));
  const read = ConfigModel.safeParse({
    name,
    backend: values.backend,
    model: values.model && fileFromHere(values.model),
    url: values.url,
    port: number(values.port),
    vramGb: number(values.vram),
    contextTokens: number(values.context),
    roles: typeof values.role === "string" ? values.role.split(",") : undefined,
    device: values.device,
    bestFor: values["best-for"],
  });
  if (read.success) return read.data;
  throw wrongFlags(read.error, NAMES, "register");
}

const NAMES: Readonly<Record<string, string>> = {
  name: "NAME",
  backend: "--backend",
  model: "--model",
  url: "--url",
  port: "--port",
  vramGb: "--vram",
  contextTokens: "--context",
  roles: "--role",
  device: "--device",
  bestFor: "--best-for",
};

/** `tandem register NAME …` */
export function toRegistering({ words, values, out }: CommandGiven): Job {
  const model = toModel(words, values);
  const shown = { out, isJson: values.json === true };
  return async (site, signal) => registerModel(model, await site.client(), shown, signal);
}

/** `tandem unregister NAME` */
export function toUnregistering({ words, values, out }: CommandGiven): Job {
  const [name, ...more] = words;
  if (name === undefined || more.length > 0)
    throw new TandemError("bad-input", "`unregister` takes one name", "`tandem models` lists what is registered");
  const shown = { out, isJson: values.json === true };
  return async (site, signal) => unregisterModel(name, await site.client(), shown, signal);
}

interface CommandGiven {
  readonly words: readonly string[];
  readonly values: Given & { readonly json?: boolean | undefined };
  readonly out: Out;
}

type Job = (site: Pick<Site, "client">, signal: AbortSignal) => Promise<number>;

/** Adds a model for all clients, until it is taken away again. */
export async function registerModel(
  model: ConfigModel,
  client: Client,
  shown: RegistryShown,
  signal: AbortSignal,
): Promise<number> {
  const made = await client.send(register, { model }, () => undefined, signal);
  shown.out.write(
    shown.isJson ? `${JSON.stringify(made)}\n` : `${made.name} is registered: ${made.backend}, ${made.where}\n`,
  );
  const missing = shown.isJson ? null : await missingFile(model);
  if (missing !== null) shown.out.write(`  there is no file ${missing} yet: until there is, it cannot be loaded\n`);
  return 0;
}

/** One that comes later, on a disk that is not there now, may be named before. */
async function missingFile({ model = "" }: ConfigModel): Promise<string | null> {
  const path = /^file:(?!\/\/)(.+)$/.exec(model)?.[1];
  if (path === undefined || path.startsWith("~")) return null;
  return (await stat(path).catch(() => null))?.isFile() ? null : path;
}

export async function unregisterModel(
  name: string,
  client: Client,
  shown: RegistryShown,
  signal: AbortSignal,
): Promise<number> {
  await client.send(unregister, { name }, () => undefined, signal);
  shown.out.write(shown.isJson ? `${JSON.stringify({ name })}\n` : `${name} is no longer registered\n`);
  return 0;
}

/** The models beside the catalogue's, with where each is from, and what stands in the way of found servers. */
export function otherLines({ models, servers }: Registry): string[] {
  const others = models.filter((it) => it.origin !== "catalogue" || it.hiddenBy !== null);
  const table =
    others.length === 0 ? [] : ["", ...align([["other model", "from", "backend", "where", ""], ...others.map(rowOf)])];
  const shut = servers
    .filter((it) => it.needsKey)
    .map((it) => `${it.kind} at ${it.url} asks for a key: name it as a model of backend "endpoint", with its key`);
  const foreign = servers
    .filter((it) => it.isForeign)
    .map((it) => `${it.kind} at ${it.url} is another user's: it is used only where its address is named`);
  return [...table, ...[...shut, ...foreign].flatMap((it) => ["", it])];
}

const ORIGINS: Readonly<Record<RegisteredModel["origin"], string>> = {
  catalogue: "the catalogue",
  config: "the configuration file",
  registered: "tandem register",
  discovered: "a running server",
};

function rowOf({ name, origin, backend, where, bestFor, vramGb, hiddenBy }: RegisteredModel): string[] {
  const notes = [bestFor ?? "", vramGb === null ? "" : `${vramGb} GB`, hiddenBy ? `hidden: ${hiddenBy}` : ""];
  return [name, ORIGINS[origin], backend, where, notes.filter((it) => it !== "").join(", ")];
}
