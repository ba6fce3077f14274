/** What one answer cost, as the engine reported it. */
export interface Use {
  /** Tokens read, those already in the KV cache not counted. */
  readonly promptTokens: number;
  readonly prefillMs: number;
  readonly completionTokens: number;
  readonly decodeMs: number;
}

/** How fast an engine is, and whether it works: what routing compares. */
export interface Rates {
  prefillPerSecond: number | null;
  decodePerSecond: number | null;
  /** What its last load took. */
  loadMs: number | null;
  /** Failures since it last worked. */
  failures: number;
}

/** Weight of the newest rate in the moving average. */
const NEWEST = 0.3;
/** An answer shorter than this says nothing about a rate. */
const LEAST_TOKENS = 4;

export function noRates(): Rates {
  return { prefillPerSecond: null, decodePerSecond: null, loadMs: null, failures: 0 };
}

/** It answered. */
export function count(rates: Rates, use: Use): void {
  rates.failures = 0;
  rates.prefillPerSecond = averaged(rates.prefillPerSecond, use.promptTokens, use.prefillMs);
  rates.decodePerSecond = averaged(rates.decodePerSecond, use.completionTokens, use.decodeMs);
}

function averaged(old: number | null, tokens: number, ms: number): number | null {
  if (tokens < LEAST_TOKENS || ms <= 0) return old;
  const rate = tokens / (ms / 1000);
  return old === null ? rate : old + NEWEST * (rate - old);
}
