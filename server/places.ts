import {
  assign,
  type EndpointSource,
  type EngineConfig,
  type LocalSource,
  type SourceGiven,
  type VllmSource,
} from "./core/assign.ts";
import { type Choice, choose, gpuFor, type Hardware } from "./core/choose.ts";
import type { Option } from "./core/govern/loadable.ts";
import { forced, meant, sourceOf } from "./core/registered.ts";
import type { EngineSpec } from "./engineSpec.ts";
import { TandemError } from "./errors.ts";
import { type CatalogueEntry, toModelInfo } from "./models/catalogue.ts";
import { attachable } from "./needs/attachable.ts";
import type { LocalNeeds } from "./needs/local.ts";
import type { Needs } from "./needs/needs.ts";
import { NO_GPU_BUILD, notThere, reachable, usableHardware } from "./needs/reachable.ts";
import type { AskReach, Engine, ModelFile, ModelStore, OpenEngine } from "./ports.ts";
import type { ModelInfo, Role } from "./protocol/models.ts";
import type { Settings } from "./protocol/settings.ts";
import type { Registry } from "./registry/registry.ts";
import type { Emit, Place, Prepared } from "./slot/state.ts";

export interface PlacesDeps {
  readonly catalogue: readonly CatalogueEntry[];
  readonly hardware: Hardware;
  readonly store: ModelStore;
  readonly openEngine: OpenEngine;
  /** Which GPUs engines can use. */
  readonly reach: AskReach;
  readonly needs: Needs;
  /** The user's own models, and servers that have some loaded already. */
  readonly registry: Pick<Registry, "config" | "models" | "served">;
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
    choice: await choiceFor(settings, deps),
    stand: trialModel(deps.catalogue),
    registered: (name, role, given) => registeredSource(name, role, given, deps),
  });
  return Promise.all(configs.map(async (config) => placeOf(config, await likelyModel(config, deps.store), deps)));
}

/** The machine's models under these settings; where none is to be chosen, nobody is asked which GPUs can be used. */
async function choiceFor({ draft, audit, llamaServer }: Settings, deps: PlacesDeps): Promise<Choice> {
  const isOpen = [draft, audit].some((it) => it.endpoint === "" && it.model === "auto" && it.device === "auto");
  const hardware = isOpen ? await usableHardware(deps.hardware, llamaServer, deps.reach) : deps.hardware;
  return chosenModels({ catalogue: deps.catalogue, hardware });
}

/** How to open the user's own model of this name, or the one meant for the role; null: there is none. */
export function registeredSource(
  ...[name, role, given, { registry, hardware }]: [string, Role | null, SourceGiven, PlacesDeps]
): EngineConfig["source"] | null {
  const model = meant(registry.models(), name, role);
  if (!model) return null;
  // Whatever it is used for, it goes to the same device, so that all share it.
  const device = given.isDeviceGiven ? given.device : (given.use === "write" && gpuFor(null, hardware)) || "cpu";
  return sourceOf(model, { ...given, device, backends: registry.config().backends });
}

/** A place for one engine; `likely` is the model that loading will end with. */
export function placeOf(wanted: EngineConfig, likely: string, deps: PlacesDeps): Place {
  const config = forced(wanted, deps.registry.config().backends);
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
  { id, roles, source, refusal }: EngineConfig,
  deps: PlacesDeps,
  emit: Emit,
  signal: AbortSignal,
): Promise<Prepared> {
  if (refusal) throw new TandemError(refusal.code, refusal.message, refusal.nextStep);
  if (source.kind === "endpoint") return attached(id, source, deps, emit);
  if (source.kind === "vllm") return prepareVllm(id, source, deps, signal);
  const file = await deps.store.ensure(
    source.model,
    source.substitute,
    (progress) => emit({ kind: "downloading", progress }),
    signal,
  );
  // Said once a task: the auditor's model is missing for the same reason as the drafter's.
  if (file.substituted && roles.includes("draft")) emit({ kind: "notice", message: file.substituted });
  const there = await deps.registry.served(source, file.path);
  if (there) return attached(id, there, deps, emit);
  const { catalogue } = deps;
  // What no engine can use must not be planned with: it would go to main memory without asking for it.
  const { hardware, whyNot } = await reachable(
    { source, label: file.model.label, hardware: deps.hardware },
    deps.reach,
    signal,
  );
  if (whyNot !== null) emit({ kind: "notice", message: whyNot });
  const needs = await deps.needs.local(source, file, { hardware, catalogue, signal });
  return {
    loadable: needs.loadable,
    open: (option, tell, opening) => open({ id, source, file, option, needs }, deps, tell, opening),
    waysToFit: needs.waysToFit,
  };
}

/** A server that is there already. */
function attached(...[id, source, deps, emit]: [string, EndpointSource, PlacesDeps, Emit]): Prepared {
  const name = source.modelName ?? source.url;
  emit({ kind: "loading", engine: id, model: name });
  const open: Prepared["open"] = (_option, _emit, signal) => deps.openEngine(source, signal);
  return { loadable: attachable(name), open, waysToFit: () => null };
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
  if (local.device === "cpu" || engine.device !== "cpu") return engine;
  if (source.terms.isDeviceGiven && source.device !== "auto") {
    await engine[Symbol.asyncDispose]();
    throw notThere(model.label, source.device, null);
  }
  emit({ kind: "notice", message: NO_GPU_BUILD });
  return engine;
}

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
