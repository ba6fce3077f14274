import type { RoutePolicy } from "./policy.ts";
import { isProbe, type Priced } from "./price.ts";

export interface Chosen {
  readonly priced: Priced;
  /** Why it and not the first; null: it is the first, and has no equal. */
  readonly why: string | null;
}

/**
 * Of candidates that stand alike, cheapest first: the one that takes the job. Those that are done about as soon as the best are its
 * equals: of them, first the one that has most of the prompt warm; else two are drawn and the less loaded of them taken. Two draws
 * keep many askers that see the same snapshot from all going to the same engine (Mitzenmacher, "The power of two choices in randomized
 * load balancing", 2001), which taking the cheapest does. `draw` is in [0, 1). Null where there is nobody.
 */
export function choose(ranked: readonly Priced[], draw: number, policy: RoutePolicy): Chosen | null {
  const [best] = ranked;
  if (!best) return null;
  const bestMs = best.candidate.cost.totalMs;
  const limitMs = bestMs + Math.max(policy.equalMs, bestMs * policy.equalShare);
  const equals = ranked.filter((it) => it.candidate.cost.totalMs <= limitMs && !isProbe(it.engine));
  if (isProbe(best.engine) || equals.length < 2) return { priced: best, why: null };
  const warmest = Math.max(...equals.map(warmTokens));
  const warm = equals.filter((it) => warmTokens(it) === warmest);
  const [only] = warm;
  if (only && warm.length === 1)
    return { priced: only, why: `of ${equals.length} equals it has the prompt's beginning warm` };
  const [first, second] = drawTwo(warm, draw);
  const priced = loadOf(second) < loadOf(first) ? second : first;
  return { priced, why: `of ${warm.length} equals two were drawn and the less loaded taken` };
}

/** Two different ones, each ordered pair as likely as any other. There are two at least. */
function drawTwo(all: readonly Priced[], draw: number): [Priced, Priced] {
  const pairs = all.length * (all.length - 1);
  const pair = Math.min(pairs - 1, Math.max(0, Math.floor(draw * pairs)));
  const first = Math.floor(pair / (all.length - 1));
  const second = pair % (all.length - 1);
  return [all[first], all[second < first ? second : second + 1]] as [Priced, Priced];
}

function warmTokens({ candidate }: Priced): number {
  return candidate.warmTokens ?? 0;
}

/** Per slot. */
function loadOf({ engine }: Priced): number {
  return engine.load / Math.max(1, engine.slots);
}
