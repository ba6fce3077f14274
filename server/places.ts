import { assign, type EngineConfig, type LocalSource, type VllmSource } from "./core/assign.ts";
import { type Choice, choose, type Hardware } from "./core/choose.ts";
import type { Option } from "./core/govern/loadable.ts";
import type { EngineSpec } from "./engineSpec.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import { attachable } from "./needs/attachable.ts";
import type { LocalNeeds } from "./needs/local.ts";
import type { Needs } from "./needs/needs.ts";
import type { Engine, ModelFile, ModelStore, OpenEngine } from "./ports.ts";
import type { ModelInfo } from "./protocol/models.ts";
import type { Settings } from "./protocol/settings.ts";
import type { Emit, Place, Prepared } from "./slot/state.ts";

export interface PlacesDeps {
  readonly catalogue: readonly CatalogueEntry[];
  readonly hardware: Hardware;
  readonly store: ModelStore;
  readonly openEngine: OpenEngine;
  readonly needs: Needs;
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
    prepare: (emit, signal) => prepare(config, deps, emit, signal),
    isHere: async () => config.source.kind !== "embedded" || deps.store.isCached(likely),
  };
}

/** The model that loading will end with, as far as can be told without a request. An endpoint tells only when it is asked. */
async function likelyModel({ source }: EngineConfig, store: ModelStore): Promise<string> {
  if (source.kind === "endpoint") return source.modelName ?? source.url;
  if (source.kind === "vllm") return source.model;
  const { model, substitute } = source;
  return substitute !== null && !(await store.isCached(model)) && (await store.isCached(substitute))
    ? substitute
    : model;
}

async function prepare(
  { id, roles, source }: EngineConfig,
  deps: PlacesDeps,
  emit: Emit,
  signal: AbortSignal,
): Promise<Prepared> {
  if (source.kind === "endpoint") {
    const { url, modelName, apiKey } = source;
    emit({ kind: "loading", engine: id, model: modelName ?? url });
    const open: Prepared["open"] = (_, _emit, opening) =>
      deps.openEngine({ kind: "endpoint", url, modelName, apiKey }, opening);
    return { loadable: attachable(modelName ?? url), open, waysToFit: () => null };
  }
  if (source.kind === "vllm") return prepareVllm(id, source, deps, signal);
  const file = await deps.store.ensure(
    source.model,
    source.substitute,
    (progress) => emit({ kind: "downloading", progress }),
    signal,
  );
  // Said once a task: the auditor's model is missing for the same reason as the drafter's.
  if (file.substituted && roles.includes("draft")) emit({ kind: "notice", message: file.substituted });
  const { hardware, catalogue } = deps;
  const needs = await deps.needs.local(source, file, { hardware, catalogue, signal });
  return {
    loadable: needs.loadable,
    open: (option, tell, opening) => open({ id, source, file, option, needs }, deps, tell, opening),
    waysToFit: needs.waysToFit,
  };
}

/** It takes its share of each card and fetches its model itself. */
async function prepareVllm(id: string, source: VllmSource, deps: PlacesDeps, signal: AbortSignal): Promise<Prepared> {
  const needs = await deps.needs.vllm(source, { hardware: deps.hardware, signal });
  const { model: name, executable, quantization, extraArguments, use } = source;
  const model = expectedModel(name, deps.catalogue);
  const given = { model, executable, source: source.source, quantization, extraArguments, use };
  return {
    loadable: needs.loadable,
    open(option, emit, opening) {
      emit({ kind: "loading", engine: id, model: name });
      return deps.openEngine({ kind: "vllm", ...given, ...needs.specOf(option) }, opening);
    },
    waysToFit: () => null,
  };
}

interface Chosen {
  readonly id: string;
  readonly source: LocalSource;
  readonly file: ModelFile;
  readonly option: Option;
  readonly needs: LocalNeeds;
}

async function open(
  { id, source, file, option, needs }: Chosen,
  deps: PlacesDeps,
  emit: Emit,
  signal: AbortSignal,
): Promise<Engine> {
  const { model, path } = file;
  const { threads, use, llamaServer } = source;
  emit({ kind: "loading", engine: id, model: model.label });
  const local = { model, path, threads, use, ...needs.specOf(option) };
  const spec: EngineSpec =
    llamaServer === "" ? { ...local, kind: "embedded" } : { ...local, kind: "llama-server", executable: llamaServer };
  const engine = await deps.needs.measured(needs, option, () => deps.openEngine(spec, signal));
  if (local.device !== "cpu" && engine.device === "cpu") emit({ kind: "notice", message: NO_GPU_BUILD });
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
