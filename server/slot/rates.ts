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
  /** Moving share of requests and loads that worked; null: there was none yet. */
  reliability: number | null;
  /** The rates that it would have had with nobody beside: what routing reckons from. */
  readonly alone: { prefillPerSecond: number | null; decodePerSecond: number | null };
}

/** Weight of the newest rate in the moving average. */
const NEWEST = 0.3;
/** An answer shorter than this says nothing about a rate. */
const LEAST_TOKENS = 4;

export function noRates(): Rates {
  const none = { prefillPerSecond: null, decodePerSecond: null };
  return { ...none, loadMs: null, failures: 0, reliability: null, alone: { ...none } };
}

/** It answered; `slower`: how many times longer that took than with nobody beside. */
export function count(rates: Rates, use: Use, slower = 1): void {
  worked(rates);
  const { alone } = rates;
  alone.prefillPerSecond = averaged(alone.prefillPerSecond, use.promptTokens, use.prefillMs / slower);
  alone.decodePerSecond = averaged(alone.decodePerSecond, use.completionTokens, use.decodeMs / slower);
  rates.prefillPerSecond = averaged(rates.prefillPerSecond, use.promptTokens, use.prefillMs);
  rates.decodePerSecond = averaged(rates.decodePerSecond, use.completionTokens, use.decodeMs);
}

/** It works: it answered, or was loaded. */
export function worked(rates: Rates): void {
  rates.failures = 0;
  rates.reliability = moved(rates.reliability, 1);
}

/** It did not answer, could not be loaded, or ended by itself. */
export function failed(rates: Rates): void {
  rates.failures++;
  rates.reliability = moved(rates.reliability, 0);
}

/** Before anything is known one failure is one failure, and no proof that nothing ever works. */
function moved(old: number | null, newest: 0 | 1): number {
  return (old ?? 1) + NEWEST * (newest - (old ?? 1));
}

function averaged(old: number | null, tokens: number, ms: number): number | null {
  if (tokens < LEAST_TOKENS || ms <= 0) return old;
  const rate = tokens / (ms / 1000);
  return old === null ? rate : old + NEWEST * (rate - old);
}
