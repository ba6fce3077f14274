import { type DeviceEstimate, type Estimate, estimate } from "./estimate.ts";
import type { KvType, LoadPlan } from "./estimatePlan.ts";
import type { EstimatedModel } from "./memoryShape.ts";

/** What a device has room for, in bytes, its reserve taken off. */
export type Room = ReadonlyMap<string, number>;

/** One change that makes a model fit. */
export type Change =
  | { readonly kind: "flash-attention" }
  | { readonly kind: "kv-type"; readonly type: KvType }
  | { readonly kind: "context"; readonly contextTokens: number }
  | { readonly kind: "gpu-layers"; readonly gpuLayers: number }
  | { readonly kind: "model"; readonly id: string };

export interface Way {
  readonly change: Change;
  /** From 0, nobody would notice, to 1, it is of no use any more. */
  readonly cost: number;
  /** Of all devices together; of another model by its catalogue entry. */
  readonly totalBytes: number;
}

/** Another model that could be taken instead, and what it needs. */
export interface Alternative {
  readonly id: string;
  readonly needBytes: number;
  /** Its weights as a share of those of the model that does not fit: what is lost. */
  readonly share: number;
}

export interface Unfit {
  readonly model: EstimatedModel;
  readonly plan: LoadPlan;
  readonly draft: EstimatedModel | null;
  readonly room: Room;
  readonly alternatives: readonly Alternative[];
}

/** The devices that are asked for more than they have room for. One that is not in `room` is not judged. */
export function tooSmall({ devices }: Estimate, room: Room): readonly DeviceEstimate[] {
  return devices.filter((it) => it.totalBytes > (room.get(it.device) ?? Number.POSITIVE_INFINITY));
}

/** At most so many ways are worth reading. */
const MAX_WAYS = 3;
/** Below this a coding request with its surroundings no longer fits. */
const MIN_CONTEXT_TOKENS = 2_048;
const CONTEXT_STEP_TOKENS = 1_024;

/** What each change costs whoever uses the model. The order matters, not the figures. */
const FLASH_ATTENTION_COST = 0.01;
/** 8-bit keys and values are hardly to be told from 16-bit ones; 4-bit ones lose the thread of long texts. */
const KV_COSTS: ReadonlyMap<KvType, number> = new Map([
  ["q8_0", 0.05],
  ["q4_0", 0.3],
]);
/** With the first layer in main memory, every token waits for the processor. */
const OFFLOAD_COST = 0.25;

/** The cheapest single changes that make a model fit, the cheapest first; each is the least of its kind that does. */
export function waysToFit(unfit: Unfit): readonly Way[] {
  const ways = [flashAttention(unfit), ...kvTypes(unfit), smallerContext(unfit), fewerLayers(unfit), otherModel(unfit)];
  return ways
    .filter((it) => it !== null)
    .toSorted((a, b) => a.cost - b.cost)
    .slice(0, MAX_WAYS);
}

function flashAttention(unfit: Unfit): Way | null {
  if (unfit.plan.flashAttention === "on") return null;
  return tried(unfit, { kind: "flash-attention" }, FLASH_ATTENTION_COST);
}

function kvTypes(unfit: Unfit): (Way | null)[] {
  const first = [...KV_COSTS].map(([type, cost]) => tried(unfit, { kind: "kv-type", type }, cost));
  return [first.find((it) => it !== null) ?? null];
}

function smallerContext(unfit: Unfit): Way | null {
  const { contextTokens } = unfit.plan;
  const steps = Math.floor((contextTokens - 1) / CONTEXT_STEP_TOKENS);
  const least = Math.ceil(MIN_CONTEXT_TOKENS / CONTEXT_STEP_TOKENS);
  const way = (step: number) => {
    const kept = step * CONTEXT_STEP_TOKENS;
    return tried(unfit, { kind: "context", contextTokens: kept }, 1 - kept / contextTokens);
  };
  return largest(least, steps, way);
}

function fewerLayers(unfit: Unfit): Way | null {
  const { plan, model } = unfit;
  const all = model.layers.length + 1;
  const now = plan.gpuLayers === "all" ? all : Math.min(plan.gpuLayers, all);
  const way = (gpuLayers: number) =>
    tried(unfit, { kind: "gpu-layers", gpuLayers }, OFFLOAD_COST + (1 - OFFLOAD_COST) * (1 - gpuLayers / all));
  return plan.gpus.length === 0 ? null : largest(0, now - 1, way);
}

function otherModel({ alternatives, room, plan }: Unfit): Way | null {
  const device = plan.gpus[0]?.id ?? "cpu";
  const fitting = alternatives.filter((it) => it.needBytes <= (room.get(device) ?? 0));
  const [best] = fitting.toSorted((a, b) => b.share - a.share);
  if (!best) return null;
  return { change: { kind: "model", id: best.id }, cost: 1 - Math.min(1, best.share), totalBytes: best.needBytes };
}

/** The way with the largest number that fits, between both ends: what fits with a number fits with every smaller one. */
function largest(from: number, to: number, way: (number: number) => Way | null): Way | null {
  let best: Way | null = null;
  let low = from;
  let high = to;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const found = way(middle);
    if (found) {
      best = found;
      low = middle + 1;
    } else high = middle - 1;
  }
  return best;
}

/** Null: it does not fit with this change either. */
function tried(
  { model, plan, draft, room }: Unfit,
  change: Exclude<Change, { kind: "model" }>,
  cost: number,
): Way | null {
  const estimated = estimate(model, changed(plan, change), draft);
  return tooSmall(estimated, room).length > 0 ? null : { change, cost, totalBytes: estimated.totalBytes };
}

function changed(plan: LoadPlan, change: Exclude<Change, { kind: "model" }>): LoadPlan {
  switch (change.kind) {
    case "flash-attention":
      return { ...plan, flashAttention: "on" };
    case "kv-type":
      return { ...plan, flashAttention: "on", keyType: change.type, valueType: change.type };
    case "context":
      return { ...plan, contextTokens: change.contextTokens };
    case "gpu-layers":
      return { ...plan, gpuLayers: change.gpuLayers };
  }
}

/** "with keys and values of type q8_0 (4.9 GB), or with a context of 4096 tokens (5.1 GB)"; null where there is no way. */
export function waysText(ways: readonly Way[]): string | null {
  const told = ways.map(({ change, totalBytes }) => `${inWords(change)} (${(totalBytes / 1024 ** 3).toFixed(1)} GB)`);
  return told.length === 0 ? null : told.join(", or ");
}

function inWords(change: Change): string {
  switch (change.kind) {
    case "flash-attention":
      return "with flash attention";
    case "kv-type":
      return `with keys and values of type ${change.type}`;
    case "context":
      return `with a context of ${change.contextTokens} tokens`;
    case "gpu-layers":
      return `with ${change.gpuLayers} layers on the GPU`;
    case "model":
      return `as ${change.id}`;
  }
}
