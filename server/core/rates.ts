import type { KnownRates } from "./route.ts";

/** What a rate was measured of: another quantisation, card, engine or way of loading has another one. */
export interface RateKey {
  readonly model: string;
  /** "": not told. */
  readonly quantisation: string;
  /** GPUs by uuid, joined by "+", where that is known; else the name: "cpu", "vulkan:0", an endpoint's host. */
  readonly device: string;
  readonly engine: "embedded" | "llama-server" | "vllm" | "endpoint";
  /** Names the options that it is loaded with; "" where they are not ours. */
  readonly options: string;
}

/** What is remembered of one key. Rates are in tokens per second; null: never measured. */
export interface Rates {
  readonly prefillPerSecond: number | null;
  readonly decodePerSecond: number | null;
  readonly loadMs: number | null;
  /** The newest that went into it, since 1970. */
  readonly atMs: number;
  readonly by: "work" | "benchmark";
}

/** One answer's cost, or a load's. */
export interface RateSample {
  /** Tokens read, those already in the KV cache not counted. */
  readonly promptTokens: number;
  readonly prefillMs: number;
  readonly completionTokens: number;
  readonly decodeMs: number;
}

/** Weight of the newest sample: as the moving average has it that routing goes by while an engine is there. */
const NEWEST = 0.3;
/** Shorter ones measure a request's own cost more than the model: a prefill is one batch, a decode's first token waits for it. */
const LEAST = { prompt: 32, completion: 8 } as const;

/** The rates after one more answer; null: it says nothing. */
export function ratesAfter(before: Rates | null, sample: RateSample, atMs: number): Rates | null {
  const prefill = rateOf(sample.promptTokens, sample.prefillMs, LEAST.prompt);
  const decode = rateOf(sample.completionTokens, sample.decodeMs, LEAST.completion);
  if (prefill === null && decode === null) return null;
  return {
    prefillPerSecond: averaged(before?.prefillPerSecond ?? null, prefill),
    decodePerSecond: averaged(before?.decodePerSecond ?? null, decode),
    loadMs: before?.loadMs ?? null,
    atMs,
    by: "work",
  };
}

/** The rates after it was loaded: the last time counts, since caches and disks change more than they vary. */
export function ratesAfterLoad(before: Rates | null, loadMs: number, atMs: number): Rates {
  const { prefillPerSecond = null, decodePerSecond = null, by = "work" } = before ?? {};
  return { prefillPerSecond, decodePerSecond, loadMs, atMs, by };
}

/** As routing takes them. */
export function toKnown({ prefillPerSecond, decodePerSecond, loadMs, by }: Rates): KnownRates {
  const origin = by === "benchmark" ? "by a benchmark" : "in earlier work";
  return { prefillPerSecond, decodePerSecond, loadMs, origin };
}

/**
 * What is known of a key: its own rates, else, while it is not said yet on which card it will be, the newest of the same model, engine
 * and options on another one. What a processor does says nothing about a card. Null: nothing.
 */
export function knownOf(all: Iterable<readonly [RateKey, Rates]>, wanted: RateKey, isPlaced: boolean): Rates | null {
  let best: Rates | null = null;
  for (const [key, rates] of all) {
    if (!isAlike(key, wanted)) continue;
    if (key.device === wanted.device) return rates;
    const isOpen = !isPlaced && (key.device === "cpu") === (wanted.device === "cpu");
    if (isOpen && (best === null || rates.atMs > best.atMs)) best = rates;
  }
  return best;
}

function isAlike(a: RateKey, b: RateKey): boolean {
  const isSameModel = a.model === b.model && (a.quantisation === b.quantisation || b.quantisation === "");
  return isSameModel && a.engine === b.engine && a.options === b.options;
}

function rateOf(tokens: number, ms: number, least: number): number | null {
  return tokens < least || ms <= 0 ? null : tokens / (ms / 1_000);
}

function averaged(old: number | null, newest: number | null): number | null {
  if (newest === null) return old;
  return old === null ? newest : old + NEWEST * (newest - old);
}
