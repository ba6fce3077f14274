import type { EndpointPatience, EndpointSpec, LoadOptions } from "../engineSpec.ts";
import type { Role } from "../protocol/models.ts";
import type { CloudSettings, RoleSettings, Settings } from "../protocol/settings.ts";
import type { Choice, Hardware } from "./choose.ts";
import { isCloudOn, isSameHost } from "./cloud.ts";
import { limitBytesOf } from "./configured.ts";
import { DEFAULT_OPTIONS } from "./loadOptions.ts";
import type { Refusal } from "./refusal.ts";

/** What the user says of a model's memory, beside what is reckoned from its file. Null: nothing. */
export interface Terms {
  /** No GPU gives it more than this. */
  readonly limitBytes: number | null;
  /** What it takes of one GPU, whatever its file says. */
  readonly needBytes: number | null;
  /** How much it hurts to be without it; 1 for all unless the user says otherwise. */
  readonly weight: number;
  /** The user named the device, and no other is taken; false: it is the first choice among several. */
  readonly isDeviceGiven: boolean;
}

export const NO_TERMS: Terms = { limitBytes: null, needBytes: null, weight: 1, isDeviceGiven: false };

/** A model file in the embedded engine, or in a llama-server that Tandem starts. */
export interface LocalSource {
  readonly kind: "embedded";
  readonly model: string;
  /** llama.cpp sets a context up for one or the other. */
  readonly use: "write" | "embed";
  readonly substitute: string | null;
  readonly device: string;
  readonly threads: number;
  /** The llama-server it runs in; "": the embedded engine. */
  readonly llamaServer: string;
  readonly options: LoadOptions;
  /** Tokens of prompt and answer together, for each slot; null: as the model's entry or file says. */
  readonly contextTokens: number | null;
  readonly terms: Terms;
}

/** A vLLM that Tandem starts: a hub's id or a folder in place of a file. */
export interface VllmSource {
  readonly kind: "vllm";
  /** The name it goes by. */
  readonly model: string;
  readonly source: string;
  readonly use: "write" | "embed";
  readonly executable: string;
  /** "auto": the GPUs that it fits; else those named, joined by "+". */
  readonly device: string;
  /** Of each GPU's memory; null: as little as the model and its context need. */
  readonly memoryShare: number | null;
  readonly contextTokens: number | null;
  /** "awq", "gptq" …; null: as the model's own configuration says. */
  readonly quantization: string | null;
  readonly extraArguments: readonly string[];
  readonly terms: Terms;
}

/** A server that is there already. */
export type EndpointSource = EndpointSpec;

/** One place where a model can run: what it is for and how to open it. No roles: only for who asks for its model by name. */
export interface EngineConfig {
  readonly id: string;
  readonly roles: readonly Role[];
  readonly source: LocalSource | VllmSource | EndpointSource;
  /** Why it cannot be opened as things are set; who asks for it is told. */
  readonly refusal?: Refusal;
}

/** What settings and hardware say of a model's place. */
export interface SourceGiven {
  readonly use: "write" | "embed";
  readonly device: string;
  readonly isDeviceGiven: boolean;
  readonly limitGb: number | null;
  readonly threads: number;
  /** The llama-server that local models run in; "": the embedded engine. */
  readonly llamaServer: string;
}

/**
 * Names the engine that a source opens, the `nth` of its kind. Two sources with the same key can share one engine: a number of
 * threads makes it no other. It may hold an API key, so it is never shown or stored.
 */
export function sourceKey(source: EngineConfig["source"], nth: number): string {
  const { threads: _, ...same } = source.kind === "embedded" ? source : { ...source, threads: null };
  return JSON.stringify([nth, same]);
}

/** More threads than this per engine gain nothing on the CPUs llama.cpp was measured on, and starve the editor. */
const MOST_THREADS = 8;

/** An engine for a model that a request names, on the device that settings or hardware give. */
export function named(model: string, given: Omit<SourceGiven, "threads"> & { readonly cores: number }): EngineConfig {
  return { id: model, roles: [], source: localSource(model, null, { ...given, threads: threadsOf(given.cores) }) };
}

/** The threads of an engine that has so many cores for itself. */
export function threadsOf(cores: number): number {
  return Math.max(1, Math.min(MOST_THREADS, Math.floor(cores)));
}

/** A model of which nobody says how it is to be loaded, but perhaps where. */
function localSource(model: string, substitute: string | null, given: SourceGiven): LocalSource {
  const { isDeviceGiven, limitGb, ...where } = given;
  const terms = { ...NO_TERMS, isDeviceGiven, limitBytes: limitBytesOf(limitGb) };
  return { kind: "embedded", model, substitute, ...where, options: DEFAULT_OPTIONS, contextTokens: null, terms };
}

export interface Machine {
  readonly hardware: Hardware;
  readonly choice: Choice;
  /** The model that is used where a chosen one cannot be had; null: none. */
  readonly stand: string | null;
  /** What a name stands for among the user's own models, or "auto" for a role; null: nothing. */
  readonly registered?: (name: string, role: Role, given: SourceGiven) => EngineConfig["source"] | null;
}

/**
 * Which engines there are. No endpoint: two embedded engines, on two GPUs where there are two, else sharing one, else
 * sharing the CPU's cores. One endpoint: it serves both roles. Two: one each. `stand` is the model that is used where the
 * chosen one cannot be had; a model the user named is never replaced. The quality tiers have engines of their own where the user names
 * models for them, or those of draft and audit where it is the same one. Vectors come from what is set for them, else from the
 * draft's endpoint, else from nowhere. The cloud is there only where the user allows it something.
 */
export function assign(settings: Settings, machine: Machine): EngineConfig[] {
  const local = withEmbedder(assignWriters(settings, machine), settings, machine);
  const all = isCloudOn(settings.cloud) ? [...local, cloudEngine(settings.cloud)] : local;
  return all.map((it) => ({ ...it, source: asSet(it.source, settings) }));
}

function withEmbedder(
  writers: readonly EngineConfig[],
  { embed, llamaServer }: Settings,
  machine: Machine,
): EngineConfig[] {
  if (embed.endpoint !== "") return [...writers, endpoint("embed", ["embed"], embed)];
  const given: SourceGiven = {
    use: "embed",
    // Small enough for the processor; the GPUs' memory is meant for who writes.
    device: deviceFor(embed, null),
    isDeviceGiven: embed.device !== "auto",
    limitGb: embed.vramLimitGb,
    threads: threadsFor(machine, onCpu(writers) + 1),
    llamaServer,
  };
  const own = machine.registered?.(embed.model, "embed", given);
  if (own) return [...writers, { id: "embed", roles: ["embed"], source: own }];
  if (embed.model === "auto")
    return writers.map((it) =>
      it.source.kind === "endpoint" && it.roles.includes("draft") ? { ...it, roles: [...it.roles, "embed"] } : it,
    );
  return [...writers, { id: "embed", roles: ["embed"], source: localSource(embed.model, null, given) }];
}

function assignWriters(settings: Settings, machine: Machine): EngineConfig[] {
  const draft = writer("draft", settings.draft, { settings, machine });
  const audit = writer("audit", auditSettings(settings), { settings, machine });
  // One server answers both.
  const isOne = draft.source.kind === "endpoint" && sourceKey(draft.source, 0) === sourceKey(audit.source, 0);
  const pair: EngineConfig[] = isOne ? [{ ...draft, id: "both", roles: ["draft", "audit"] }] : [draft, audit];
  const configs = TIER_ROLES.reduce((sofar, role) => withTier(sofar, role, { settings, machine }), pair);
  const threads = threadsFor(machine, onCpu(configs));
  return configs.map((it) => (it.source.kind === "embedded" ? { ...it, source: { ...it.source, threads } } : it));
}

interface Given {
  readonly settings: Settings;
  readonly machine: Machine;
}

const TIER_ROLES = ["low", "high"] as const;
/** Who else would do the tier's work: where it would run, the tier's own model does too. */
const LIKE = { draft: "draft", audit: "audit", low: "audit", high: "draft" } as const;

function writer(role: keyof typeof LIKE, of: RoleSettings, { settings, machine }: Given): EngineConfig {
  if (of.endpoint !== "") return endpoint(role, [role], of);
  const { choice, stand, registered } = machine;
  const chosen = choice[LIKE[role]];
  const given: SourceGiven = {
    use: "write",
    device: deviceFor(of, chosen.gpu),
    isDeviceGiven: of.device !== "auto",
    limitGb: of.vramLimitGb,
    threads: 1,
    llamaServer: settings.llamaServer,
  };
  const own = registered?.(of.model, role, given);
  if (own) return { id: role, roles: [role], source: own };
  const isAuto = of.model === "auto";
  const source = localSource(isAuto ? chosen.model : of.model, isAuto ? stand : null, given);
  return { id: role, roles: [role], source };
}

/** With the tier's own engine, if it has one; one that is there already with the same model has its role besides. */
function withTier(
  configs: readonly EngineConfig[],
  role: "low" | "high",
  { settings, machine }: Given,
): EngineConfig[] {
  const of = settings[role];
  const made = writer(role, of, { settings, machine });
  const isSet = of.endpoint !== "" || of.model !== "auto" || isRegistered(role, { settings, machine });
  if (!isSet) return [...configs];
  const key = sharedKey(made);
  const same = configs.find((it) => sharedKey(it) === key);
  if (!same) return [...configs, made];
  return configs.map((it) => (it === same ? { ...it, roles: [...it.roles, role] } : it));
}

/** A model of the user's own is meant for the tier. */
function isRegistered(role: "low" | "high", { settings, machine }: Given): boolean {
  const { llamaServer } = settings;
  const given: SourceGiven = {
    use: "write",
    device: "cpu",
    isDeviceGiven: false,
    limitGb: null,
    threads: 1,
    llamaServer,
  };
  return (machine.registered?.("auto", role, given) ?? null) !== null;
}

/** That a model was chosen for the user, and may be replaced, makes it no other. */
function sharedKey({ source }: EngineConfig): string {
  return sourceKey(source.kind === "embedded" ? { ...source, substitute: null } : source, 0);
}

function cloudEngine({ endpoint: url, model, apiKey }: CloudSettings): EngineConfig {
  const source: EndpointSource = {
    kind: "endpoint",
    url,
    modelName: model === "auto" ? null : model,
    apiKey,
    isCloud: true,
  };
  return { id: "cloud", roles: ["cloud"], source };
}

/** An endpoint as the settings have it: who the cloud's host is, is the cloud, whichever setting names it; and how long it is waited for. */
export function asSet<T extends EngineConfig["source"]>(source: T, settings: Settings): T {
  if (source.kind !== "endpoint") return source;
  const isCloud = source.isCloud || isSameHost(source.url, settings.cloud.endpoint);
  const patience = patienceOf(settings);
  return { ...source, ...(isCloud ? { isCloud: true } : {}), ...(patience ? { patience } : {}) };
}

/** Null: as usual. */
function patienceOf({ connectTimeoutS, firstTokenTimeoutS, idleTimeoutS }: Settings): EndpointPatience | null {
  const isUsual =
    connectTimeoutS === USUAL.connectS && firstTokenTimeoutS === USUAL.firstTokenS && idleTimeoutS === USUAL.idleS;
  if (isUsual) return null;
  return { connectMs: connectTimeoutS * 1_000, firstTokenMs: firstTokenTimeoutS * 1_000, idleMs: idleTimeoutS * 1_000 };
}

/** The defaults of the settings. */
const USUAL = { connectS: 5, firstTokenS: 120, idleS: 60 };

function onCpu(configs: readonly EngineConfig[]): number {
  return configs.filter(({ source }) => source.kind === "embedded" && source.device === "cpu").length;
}

/** Each engine's share of the cores. */
function threadsFor({ hardware }: Machine, engines: number): number {
  return threadsOf(hardware.cores / Math.max(1, engines));
}

/** An audit with nothing set goes where the draft goes, if that is an endpoint; with a model file of the draft's own, it uses that too. */
function auditSettings({ draft, audit }: Settings): RoleSettings {
  const isUnset = audit.endpoint === "" && audit.model === "auto";
  if (!isUnset) return audit;
  if (draft.endpoint !== "") return { ...draft, device: audit.device };
  return draft.model === "auto" ? audit : { ...audit, model: draft.model };
}

function endpoint(id: string, roles: readonly Role[], of: RoleSettings): EngineConfig {
  return {
    id,
    roles,
    source: { kind: "endpoint", url: of.endpoint, modelName: of.model === "auto" ? null : of.model, apiKey: of.apiKey },
  };
}

function deviceFor(of: RoleSettings, gpu: string | null): string {
  return of.device === "auto" ? (gpu ?? "cpu") : of.device;
}
