import type { Config } from "../protocol/config.ts";
import type { ConfigModel } from "../protocol/configModel.ts";
import type { Role } from "../protocol/models.ts";
import type { EndpointSource, EngineConfig, LocalSource, SourceGiven, Terms, VllmSource } from "./assign.ts";
import { limitBytesOf, loadOptionsOf } from "./configured.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** What a role, or a request, adds to what the user says of a model. */
export interface Use extends SourceGiven {
  readonly backends: Config["backends"];
}

/** The model that a name stands for; for "auto" the first that is meant for the role. Null: none. */
export function meant(models: readonly ConfigModel[], name: string, role: Role | null): ConfigModel | null {
  const isMeant = (it: ConfigModel) =>
    name === "auto" ? role !== null && it.roles?.some((own) => own === role) : it.name === name;
  return models.find(isMeant) ?? null;
}

/** A llama-server by its name alone is looked for on PATH. */
const ON_PATH = "llama-server";
const OLLAMA_PORT = 11_434;

/** How to open a model of the user's. */
export function sourceOf(model: ConfigModel, given: Use): EngineConfig["source"] {
  switch (model.backend) {
    case "embedded":
      return localSource(model, given.llamaServer, given);
    case "llama-server":
      return localSource(model, given.llamaServer || ON_PATH, given);
    case "vllm":
      return vllmSource(model, given);
    case "ollama":
      return served(model, model.url ?? `http://127.0.0.1:${model.port ?? OLLAMA_PORT}`, model.model ?? model.name);
    case "endpoint":
      return served(model, model.url ?? `http://127.0.0.1:${model.port}`, model.model ?? null);
  }
}

function localSource(model: ConfigModel, llamaServer: string, given: Use): LocalSource {
  const { use, threads } = given;
  return {
    kind: "embedded",
    model: model.model ?? model.name,
    use,
    substitute: null,
    device: deviceOf(model, given),
    threads,
    llamaServer,
    options: loadOptionsOf(model),
    contextTokens: model.contextTokens ?? null,
    terms: termsOf(model, given),
  };
}

function vllmSource(model: ConfigModel, given: Use): VllmSource {
  return {
    kind: "vllm",
    model: model.name,
    source: model.model ?? model.name,
    use: given.use,
    executable: given.backends.vllm,
    device: model.device ?? "auto",
    memoryShare: model.memoryShare ?? null,
    contextTokens: model.contextTokens ?? null,
    quantization: model.quantization ?? null,
    extraArguments: model.extraArguments ?? [],
    terms: termsOf(model, given),
  };
}

function served(model: ConfigModel, url: string, modelName: string | null): EndpointSource {
  return { kind: "endpoint", url, modelName, apiKey: model.apiKey ?? "" };
}

/** The role's settings say where this time; what the model says holds where they say nothing. */
function deviceOf({ device }: ConfigModel, given: Use): string {
  return given.isDeviceGiven || device === undefined || device === "auto" ? given.device : device;
}

function termsOf(model: ConfigModel, { isDeviceGiven, device, limitGb }: Use): Terms {
  const limits = [model.vramLimitGb, limitGb].map(limitBytesOf).filter((it) => it !== null);
  const isNamed = isDeviceGiven ? device !== "auto" : model.device !== undefined && model.device !== "auto";
  return {
    limitBytes: limits.length === 0 ? null : Math.min(...limits),
    needBytes: limitBytesOf(model.vramGb),
    weight: model.weight ?? 1,
    isDeviceGiven: isNamed,
  };
}

/** The one backend that may be used, whatever the settings say: the configuration as it then is, or why it cannot be. */
export function forced(config: EngineConfig, { force }: Config["backends"]): EngineConfig {
  const { source } = config;
  if (force === "auto" || source.kind === "endpoint") return config;
  if (source.kind === "vllm")
    return force === "vllm" ? config : { ...config, refusal: otherBackend(source.model, force) };
  if (force === "embedded") return { ...config, source: { ...source, llamaServer: "" } };
  if (force === "llama-server") return { ...config, source: { ...source, llamaServer: source.llamaServer || ON_PATH } };
  return { ...config, refusal: otherBackend(source.model, force) };
}

function otherBackend(model: string, force: string): Refusal {
  const only = force === "endpoint" ? "only servers that run already may be used" : `only ${force} may be used`;
  return refuse(
    "not-configured",
    `${model} is not loaded on this machine: ${only}, as backends.force (TANDEM_FORCE_BACKEND) says`,
    force === "vllm" ? 'Name a model of backend "vllm", or set it to "auto"' : 'Set an endpoint, or set it to "auto"',
  );
}
