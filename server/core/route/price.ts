import type { RouteCost, Standing } from "../../protocol/run.ts";
import type { EngineView, RouteInput } from "../route.ts";
import type { ThermalLevel } from "../thermal.ts";
import { contentionOf, slowdown } from "./contention.ts";
import type { RoutePolicy } from "./policy.ts";

/** What is to be done, as far as its price goes. */
export type Job = Pick<RouteInput, "promptTokens" | "outputTokens" | "warmTokens">;

/** An engine with what the job would cost on it. */
export interface Priced {
  readonly engine: EngineView;
  readonly cost: RouteCost;
  /** Of the prompt, that it need not read again. */
  readonly warmTokens: number;
}

/** And how it stands to the task. */
export interface Ranked extends Priced {
  readonly standing: Standing;
}

/**
 * When this engine would be done, term by term. Every term is finite and at least 0, whatever rates an engine told, and grows with
 * what it stands for: with load, failures, warmth of the device and tokens to read.
 */
export function price(engine: EngineView, job: Job, policy: RoutePolicy): Priced {
  const { decode, prefill } = ratesOf(engine, policy);
  const warmTokens = warmOf(engine, job);
  const prefillMs = ((job.promptTokens - warmTokens) / prefill) * 1000;
  const decodeMs = (job.outputTokens / decode) * 1000;
  const slots = Math.max(1, engine.slots);
  const beside = Math.min(engine.load, slots - 1);
  const contentionMs = (prefillMs + decodeMs) * (slowdown(beside + 1, contentionOf(engine, policy)) - 1);
  const serviceMs = prefillMs + decodeMs + contentionMs;
  const queueMs = queueOf(engine, slots, serviceMs);
  const loadMs = engine.isResident ? 0 : loadMsOf(engine, policy);
  const thermalMs = (queueMs + serviceMs) * (1 / thermalShare(engine.thermal ?? "normal", policy) - 1);
  const penaltyMs = penaltyOf(engine, policy);
  const unreliableMs = isTried(engine) ? 0 : serviceMs * (1 / reliabilityOf(engine, policy) - 1);
  const cost = summed({ queueMs, loadMs, prefillMs, decodeMs, penaltyMs }, { contentionMs, unreliableMs, thermalMs });
  return { engine, cost, warmTokens };
}

/** Whether its breaker lets this one request through, to see. */
export function isProbe(engine: EngineView): boolean {
  return isTried(engine) && engine.load === 0;
}

/** What it did before is no reason any more: it is found out whether it works again. */
function isTried({ breaker }: EngineView): boolean {
  return breaker?.state === "half-open";
}

/** Whether its breaker keeps requests from it, a probe under way included. */
export function isShut({ breaker, load }: EngineView): boolean {
  return breaker?.state === "open" || (breaker?.state === "half-open" && load > 0);
}

/** Those that come before: with every slot busy, one slot in `slots` times the time of one answer becomes free. */
function queueOf({ load }: EngineView, slots: number, serviceMs: number): number {
  const before = load - slots + 1;
  return before <= 0 ? 0 : (before * serviceMs) / slots;
}

/** The last token is always read: only that yields the next one. Without its weights an engine holds no keys and values. */
function warmOf({ id, isResident }: EngineView, { promptTokens, warmTokens }: Job): number {
  const warm = isResident ? (warmTokens?.[id] ?? 0) : 0;
  return Math.max(0, Math.min(warm, promptTokens - 1));
}

/** What was measured since the start, else what was known before it, else what its size lets one expect. */
export function ratesOf(
  engine: EngineView,
  policy: RoutePolicy,
): { readonly decode: number; readonly prefill: number } {
  const isCpu = engine.device === "cpu";
  const { known } = engine;
  const prior = (isCpu ? policy.priorDecodeCpu : policy.priorDecodeGpu) / billionsOf(engine, policy);
  const decode = usable(engine.decodePerSecond) ?? usable(known?.decodePerSecond) ?? prior;
  const ratio = isCpu ? policy.priorPrefillCpu : policy.priorPrefillGpu;
  const prefill = usable(engine.prefillPerSecond) ?? usable(known?.prefillPerSecond) ?? decode * ratio;
  return { decode, prefill };
}

/** A rate of nothing, or of no number, says nothing. */
function usable(rate: number | null | undefined): number | null {
  return typeof rate === "number" && Number.isFinite(rate) && rate > 0 ? rate : null;
}

function loadMsOf(engine: EngineView, policy: RoutePolicy): number {
  return engine.loadMs ?? engine.known?.loadMs ?? billionsOf(engine, policy) * policy.priorLoadMsPerB;
}

function billionsOf({ model }: EngineView, { unknownB }: RoutePolicy): number {
  return usable(model.parametersB) ?? unknownB;
}

function penaltyOf(engine: EngineView, { penaltyMs, probeMs }: RoutePolicy): number {
  return isTried(engine) ? probeMs : engine.failures * penaltyMs;
}

/** An answer that works out with probability p is asked for 1 / p times on average. */
function reliabilityOf({ reliability }: EngineView, { leastReliability }: RoutePolicy): number {
  return Math.min(1, Math.max(leastReliability, reliability ?? 1));
}

function thermalShare(level: ThermalLevel, policy: RoutePolicy): number {
  return { normal: 1, warm: policy.warmShare, hot: policy.hotShare, critical: policy.criticalShare }[level];
}

/** In whole milliseconds, what is nothing left out where it may be; the total is exactly their sum. */
function summed(always: Always, { contentionMs, unreliableMs, thermalMs }: Optional): RouteCost {
  const cost = {
    queueMs: Math.round(always.queueMs),
    loadMs: Math.round(always.loadMs),
    prefillMs: Math.round(always.prefillMs),
    decodeMs: Math.round(always.decodeMs),
    penaltyMs: Math.round(always.penaltyMs),
  };
  const more: { -readonly [Term in keyof Optional]?: number } = {};
  if (contentionMs >= 0.5) more.contentionMs = Math.round(contentionMs);
  if (unreliableMs >= 0.5) more.unreliableMs = Math.round(unreliableMs);
  if (thermalMs >= 0.5) more.thermalMs = Math.round(thermalMs);
  const { queueMs, loadMs, prefillMs, decodeMs, penaltyMs } = cost;
  const others = (more.contentionMs ?? 0) + (more.unreliableMs ?? 0) + (more.thermalMs ?? 0);
  return { ...cost, ...more, totalMs: queueMs + loadMs + prefillMs + decodeMs + penaltyMs + others };
}

type Always = Pick<RouteCost, "queueMs" | "loadMs" | "prefillMs" | "decodeMs" | "penaltyMs">;
type Optional = Readonly<Record<"contentionMs" | "unreliableMs" | "thermalMs", number>>;
