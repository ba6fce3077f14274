import { assign, type EngineConfig } from "./core/assign.ts";
import { type Choice, choose, type Hardware } from "./core/choose.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import type { Engine, ModelStore, OpenEngine } from "./ports.ts";
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
export function places(settings: Settings, deps: PlacesDeps): Place[] {
  const configs = assign(settings, deps.hardware, chosenModels(deps), trialModel(deps.catalogue));
  return configs.map((config) => ({
    config,
    expected: expectedModel(config, deps.catalogue),
    open: (emit, signal) => open(config, deps, emit, signal),
  }));
}

async function open({ id, source }: EngineConfig, deps: PlacesDeps, emit: Emit, signal: AbortSignal): Promise<Engine> {
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
  if (file.substituted) emit({ kind: "notice", message: file.substituted });
  emit({ kind: "loading", engine: id, model: file.model.label });
  const { model, path } = file;
  return deps.openEngine(
    {
      kind: "embedded",
      model,
      path,
      device: source.device,
      threads: source.threads,
      contextTokens: model.contextTokens,
    },
    signal,
  );
}

function trialModel(catalogue: readonly CatalogueEntry[]): string | null {
  return catalogue.find((it) => it.isTrial && it.roles.includes("draft"))?.id ?? null;
}

/** What is known of a model before it is loaded; an endpoint tells only when it is asked. */
function expectedModel({ source }: EngineConfig, catalogue: readonly CatalogueEntry[]): ModelInfo {
  const id = source.kind === "embedded" ? source.model : (source.modelName ?? source.url);
  const entry = catalogue.find((it) => it.id === id);
  if (entry) return toModelInfo(entry);
  return {
    id,
    label: id,
    parametersB: null,
    quantisation: null,
    contextTokens: 4_096,
    promptStyle: "chat",
    isTrial: false,
  };
}
