import type { ModelInfo, Role } from "../protocol/models.ts";
import type { RouteCandidate, RouteCost, Tier } from "../protocol/run.ts";
import type { Settings } from "../protocol/settings.ts";
import type { BreakerView } from "../protocol/traffic.ts";
import type { ThermalLevel } from "./thermal.ts";

/** One engine at the moment of routing. Rates are EWMAs of what the engine reported; null before its first answer. */
export interface EngineView {
  readonly id: string;
  /** Empty: only for who asks for its model by name. */
  readonly roles: readonly Role[];
  readonly kind: "embedded" | "endpoint";
  /** What an endpoint serves is only known once it was asked. */
  readonly model: ModelInfo;
  readonly device: string;
  readonly isResident: boolean;
  /** Whether it takes requests in OpenAI's shape as they are; null: that shows when it is loaded. */
  readonly hasRelay: boolean | null;
  /** Other models its server can be asked for by name. */
  readonly serves: readonly string[];
  readonly slots: number;
  /** Tasks running and waiting. */
  readonly load: number;
  readonly prefillPerSecond: number | null;
  readonly decodePerSecond: number | null;
  readonly loadMs: number | null;
  /** Failures since the last success. */
  readonly failures: number;
  /** Left out: closed. */
  readonly breaker?: BreakerView;
  /** What it is sent leaves for a provider that only answers as far as the user allows. */
  readonly isCloud?: boolean;
  /** What the same model was found to do here before this orchestrator; left out: nothing is known. */
  readonly known?: KnownRates | null;
  /** How warm its device is; left out: nobody tells. */
  readonly thermal?: ThermalLevel | null;
}

/** Rates of earlier work or of a benchmark, in tokens per second; null: never measured. */
export interface KnownRates {
  readonly prefillPerSecond: number | null;
  readonly decodePerSecond: number | null;
  readonly loadMs: number | null;
  /** For people: "measured by a benchmark", "measured in earlier work". */
  readonly origin: string;
}

/** Whether a task may be seen by a provider in the cloud. */
export interface CloudPermission {
  readonly isAllowed: boolean;
  /** Why it may or may not, for people. */
  readonly why: string;
  /** `fallback`: only where no engine here can do it. `first`: before those. */
  readonly when: "fallback" | "first";
}

export interface RouteInput {
  readonly tier: Tier;
  readonly isAudited: boolean;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly engines: readonly EngineView[];
  /** Left out or null: engines in the cloud are not asked. */
  readonly cloud?: CloudPermission | null;
}

export interface Route {
  readonly draft: RouteCandidate;
  readonly audit: RouteCandidate | null;
  readonly candidates: readonly RouteCandidate[];
  readonly why: string;
}

/** What a failed engine costs in the comparison, per failure since its last success. */
const PENALTY_MS = 5_000;
/** Until an engine was measured: reading 1 GB/s of weights gives about 1 token/s per billion 8-bit parameters; a laptop's CPU reads some 30 GB/s, a GPU some 500. */
const PRIOR_DECODE = { cpu: 30, gpu: 500 };
/** Prefill is bound by arithmetic, not by memory: measured here at 5 times decode on a CPU, more on a GPU. */
const PRIOR_PREFILL = { cpu: 5, gpu: 30 };
/** Until a load was measured: read from a disk at 1 GB/s, 4-bit weights. */
const PRIOR_LOAD_MS_PER_B = 600;
/** What an endpoint that does not say its size is taken for. */
const UNKNOWN_B = 7;
/**
 * What is left of a device's speed, for reckoning with. A card near its limit lowers its clocks, to about half before it is shut
 * off; who is warm may be there before an answer is written. Equal engines are so told apart by their warmth.
 */
const THERMAL_FACTOR: Readonly<Record<ThermalLevel, number>> = { normal: 1, warm: 0.9, hot: 0.5, critical: 0.1 };

/**
 * Who drafts and who audits. Simple work goes to the engine that will be done first, moderate and complex work to one
 * meant for drafting, and an audit to one meant for auditing. Null when there is no engine that writes.
 */
export function route(input: RouteInput): Route | null {
  const writing = input.engines.filter((it) => it.roles.includes("draft") || it.roles.includes("audit"));
  const priced = writing.map((engine) => ({ engine, candidate: price(engine, input) }));
  const drafting = priced.filter((it) => input.tier === "simple" || it.engine.roles.includes("draft"));
  const draft = cheapest(drafting.length > 0 ? drafting : priced);
  if (!draft) return null;
  const audit = input.isAudited ? cheapest(priced.filter((it) => it.engine.roles.includes("audit"))) : null;
  return {
    draft: draft.candidate,
    audit: audit?.candidate ?? null,
    candidates: ranked(priced),
    why: reason(input, draft.engine, audit?.engine ?? null),
  };
}

/** Who makes vectors: of the engines meant for that, the one that is done first. Null when there is none. */
export function routeVectors(engines: readonly EngineView[], promptTokens: number): Omit<Route, "audit"> | null {
  const made = engines.filter((it) => it.roles.includes("embed"));
  const priced = made.map((engine) => ({ engine, candidate: price(engine, { promptTokens, outputTokens: 0 }) }));
  const best = cheapest(priced);
  if (!best) return null;
  const { label } = best.engine.model;
  return {
    draft: best.candidate,
    candidates: ranked(priced),
    why: `vectors come from ${label} on ${best.engine.device}`,
  };
}

function ranked(priced: readonly { readonly candidate: RouteCandidate }[]): RouteCandidate[] {
  return priced.map((it) => it.candidate).sort((a, b) => a.cost.totalMs - b.cost.totalMs);
}

/** Whether a task of this tier is audited under the setting. */
export function isAudited(tier: Tier, auditWhen: Settings["auditWhen"]): boolean {
  return auditWhen === "always" || (auditWhen === "complex" && tier === "complex");
}

function price(engine: EngineView, input: Pick<RouteInput, "promptTokens" | "outputTokens">): RouteCandidate {
  const { decode, prefill } = ratesOf(engine);
  const prefillMs = (input.promptTokens / prefill) * 1000;
  const decodeMs = (input.outputTokens / decode) * 1000;
  const turns = Math.floor(engine.load / Math.max(1, engine.slots));
  const queueMs = turns * (prefillMs + decodeMs);
  const loadMs = engine.isResident ? 0 : loadMsOf(engine);
  const penaltyMs = engine.failures * PENALTY_MS;
  const thermalMs = (queueMs + prefillMs + decodeMs) * (1 / THERMAL_FACTOR[engine.thermal ?? "normal"] - 1);
  const totalMs = queueMs + loadMs + prefillMs + decodeMs + penaltyMs + thermalMs;
  const cost: RouteCost = { queueMs, loadMs, prefillMs, decodeMs, penaltyMs, totalMs };
  return {
    engine: engine.id,
    model: engine.model.label,
    device: engine.device,
    cost: rounded(thermalMs > 0 ? { ...cost, thermalMs } : cost),
    why: inWords(engine, cost),
  };
}

/** What was measured since the start, else what was known before it, else what its size lets one expect. */
function ratesOf(engine: EngineView): { readonly decode: number; readonly prefill: number } {
  const kind = engine.device === "cpu" ? "cpu" : "gpu";
  const { known } = engine;
  const decode = engine.decodePerSecond ?? known?.decodePerSecond ?? PRIOR_DECODE[kind] / billionsOf(engine);
  const prefill = engine.prefillPerSecond ?? known?.prefillPerSecond ?? decode * PRIOR_PREFILL[kind];
  return { decode, prefill };
}

function loadMsOf(engine: EngineView): number {
  return engine.loadMs ?? engine.known?.loadMs ?? billionsOf(engine) * PRIOR_LOAD_MS_PER_B;
}

function billionsOf({ model }: EngineView): number {
  return model.parametersB ?? UNKNOWN_B;
}

function inWords(engine: EngineView, cost: RouteCost): string {
  const parts = [`about ${seconds(cost.totalMs)}`, loadText(engine, cost)];
  if (cost.queueMs > 0) parts.push(`${engine.load} ahead of it`);
  if (engine.failures > 0) parts.push(`failed ${engine.failures} times`);
  const known = engine.known?.decodePerSecond ?? null;
  if (engine.decodePerSecond !== null) parts.push(`${engine.decodePerSecond.toFixed(0)} tokens/s measured`);
  else if (known !== null) parts.push(`${known.toFixed(0)} tokens/s ${engine.known?.origin}`);
  if (engine.thermal && engine.thermal !== "normal") parts.push(THERMAL_WORDS[engine.thermal]);
  return parts.join(", ");
}

const THERMAL_WORDS = {
  warm: "its device is warm: reckoned a tenth slower",
  hot: "its device is hot: reckoned at half its speed",
  critical: "its device is too hot: reckoned at a tenth of its speed",
} as const;

function loadText(engine: EngineView, cost: RouteCost): string {
  if (engine.isResident) return "already loaded";
  return cost.loadMs === 0 ? "nothing to load" : `${seconds(cost.loadMs)} to load`;
}

function reason(input: RouteInput, draft: EngineView, audit: EngineView | null): string {
  const work = {
    simple: "a simple task goes to the engine that is done first",
    moderate: "a moderate task goes to the drafting model",
    complex: "a complex task goes to the drafting model",
  }[input.tier];
  if (!audit) return `${work}: ${draft.model.label} on ${draft.device}`;
  const where =
    audit.id === draft.id
      ? "the same engine audits, which overlaps only if it has a second slot"
      : `${audit.model.label} on ${audit.device} audits while it writes`;
  return `${work}: ${draft.model.label} on ${draft.device}; ${where}`;
}

function cheapest<T extends { readonly candidate: RouteCandidate }>(priced: readonly T[]): T | null {
  return priced.reduce<T | null>(
    (best, it) => (best && best.candidate.cost.totalMs <= it.candidate.cost.totalMs ? best : it),
    null,
  );
}

function rounded(cost: RouteCost): RouteCost {
  const round = (ms: number) => Math.round(ms);
  return {
    queueMs: round(cost.queueMs),
    loadMs: round(cost.loadMs),
    prefillMs: round(cost.prefillMs),
    decodeMs: round(cost.decodeMs),
    penaltyMs: round(cost.penaltyMs),
    ...(cost.thermalMs === undefined ? {} : { thermalMs: round(cost.thermalMs) }),
    totalMs: round(cost.totalMs),
  };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
