import { assign, type EngineConfig } from "./core/assign.ts";
import { type Choice, choose, type Hardware } from "./core/choose.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import type { Engine, EngineSpec, ModelStore, OpenEngine } from "./ports.ts";
import type { ModelInfo } from "./protocol/models.ts";
import type { Settings } from "./protocol/settings.ts";
import type { Emit, Place } from "./slot/state.ts";

export interface PlacesDeps {
  readonly catalogue: readonly CatalogueEntry[];
  readonly hardware: Hardware;
  readonly store: ModelStore;
  readonly openEngine: OpenEngine;
}

/** The models meant for this machine; where the catalogue has nothing that fits, the trial model serves both roles. */
export function chosenModels({ catalogue, hardware }: Pick<PlacesDeps, "catalogue" | "hardware">): Choice {
  const trial = { model: trialModel(catalogue) ?? "", gpu: null };
  return choose(catalogue, hardware) ?? { draft: trial, audit: trial, why: "nothing larger fits" };
}

/** Where engines can run under these settings, each with all it takes to open it. */
export async function places(settings: Settings, deps: PlacesDeps): Promise<Place[]> {
  const configs = assign(settings, {
    hardware: deps.hardware,
    choice: chosenModels(deps),
    stand: trialModel(deps.catalogue),
  });
  return Promise.all(configs.map(async (config) => placeOf(config, await likelyModel(config, deps.store), deps)));
}

/** A place for one engine; `likely` is the model that loading will end with. */
export function placeOf(config: EngineConfig, likely: string, deps: PlacesDeps): Place {
  return {
    config,
    expected: expectedModel(likely, deps.catalogue),
    open: (emit, signal) => open(config, deps, emit, signal),
  };
}

/** The model that loading will end with, as far as can be told without a request. An endpoint tells only when it is asked. */
async function likelyModel({ source }: EngineConfig, store: ModelStore): Promise<string> {
  if (source.kind === "endpoint") return source.modelName ?? source.url;
  const { model, substitute } = source;
  return substitute !== null && !(await store.isCached(model)) && (await store.isCached(substitute))
    ? substitute
    : model;
}

async function open(
  { id, roles, source }: EngineConfig,
  deps: PlacesDeps,
  emit: Emit,
  signal: AbortSignal,
): Promise<Engine> {
  if (source.kind === "endpoint") {
    emit({ kind: "loading", engine: id, model: source.modelName ?? source.url });
    return deps.openEngine(
      { kind: "endpoint", url: source.url, modelName: source.modelName, apiKey: source.apiKey },
      signal,
    );
  }
  const file = await deps.store.ensure(
    source.model,
    source.substitute,
    (progress) => emit({ kind: "downloading", progress }),
    signal,
  );
  // Said once a task: the auditor's model is missing for the same reason as the drafter's.
  if (file.substituted && roles.includes("draft")) emit({ kind: "notice", message: file.substituted });
  emit({ kind: "loading", engine: id, model: file.model.label });
  const { model, path } = file;
  const { device, threads, use, llamaServer } = source;
  const local = { model, path, device, threads, contextTokens: model.contextTokens, use };
  const spec: EngineSpec =
    llamaServer === "" ? { ...local, kind: "embedded" } : { ...local, kind: "llama-server", executable: llamaServer };
  const engine = await deps.openEngine(spec, signal);
  if (device !== "cpu" && engine.device === "cpu") emit({ kind: "notice", message: NO_GPU_BUILD });
  return engine;
}

const NO_GPU_BUILD =
  "The GPU could not be used by any engine build that is here, so this runs on the CPU; install its Vulkan driver, or set an endpoint";

function trialModel(catalogue: readonly CatalogueEntry[]): string | null {
  return catalogue.find((it) => it.isTrial && it.roles.includes("draft"))?.id ?? null;
}

/** What is known of a model before it is loaded. */
function expectedModel(id: string, catalogue: readonly CatalogueEntry[]): ModelInfo {
  const entry = catalogue.find((it) => it.id === id);
  if (entry) return toModelInfo(entry);
  const unknown = {
    parametersB: null,
    quantisation: null,
    contextTokens: 4_096,
    promptStyle: "chat",
    isTrial: false,
  } as const;
  return { id, label: id, ...unknown };
}
