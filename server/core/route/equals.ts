import type { RouteInput } from "../route.ts";
import type { RoutePolicy } from "./policy.ts";
import { isProbe, type Ranked } from "./price.ts";

export interface Chosen {
  readonly priced: Ranked;
  /** Why it and not the first; null: it is the first, and has no equal. */
  readonly why: string | null;
}

/**
 * Of candidates that stand alike, cheapest first: the one that takes the job. Those that are done about as soon as the best are its
 * equals: of them, first the one that has a good part of the prompt warm; else those that have least to forget for it, of which two are
 * drawn and the less loaded taken. Two draws
 * keep many askers that see the same snapshot from all going to the same engine (Mitzenmacher, "The power of two choices in randomized
 * load balancing", 2001), which taking the cheapest does. `draw` is in [0, 1). Null where there is nobody.
 */
export function choose(ranked: readonly Ranked[], job: Choosing, policy: RoutePolicy): Chosen | null {
  const [best] = ranked;
  if (!best) return null;
  const bestMs = best.cost.totalMs;
  const limitMs = bestMs + Math.max(policy.equalMs, bestMs * policy.equalShare);
  const equals = ranked.filter((it) => it.cost.totalMs <= limitMs && !isProbe(it.engine));
  if (isProbe(best.engine) || equals.length < 2) return { priced: best, why: null };
  const warmest = alike(equals, (it) => -it.warmTokens);
  const [warm] = warmest;
  const isWarm = warm && warm.warmTokens >= Math.max(1, policy.affinityShare * job.promptTokens);
  const left = isWarm ? warmest : alike(equals, ({ engine }) => job.displacedTokens?.[engine.id] ?? 0);
  const [only] = left;
  const but = isWarm ? "it has the prompt's beginning warm" : "it has least to forget for it";
  if (only && left.length === 1) return { priced: only, why: `of ${equals.length} equals ${but}` };
  const [first, second] = drawTwo(left, job.draw ?? 0);
  const priced = loadOf(second) < loadOf(first) ? second : first;
  return { priced, why: `of ${left.length} equals two were drawn and the less loaded taken` };
}

/** What a choice between equals looks at. */
export type Choosing = Pick<RouteInput, "draw" | "promptTokens" | "displacedTokens">;

/** Those of the lowest value. */
function alike(all: readonly Ranked[], priceOf: (it: Ranked) => number): readonly Ranked[] {
  const lowest = Math.min(...all.map(priceOf));
  return all.filter((it) => priceOf(it) === lowest);
}

/** Two different ones, each ordered pair as likely as any other. There are two at least. */
function drawTwo(all: readonly Ranked[], draw: number): [Ranked, Ranked] {
  const pairs = all.length * (all.length - 1);
  const pair = Math.min(pairs - 1, Math.max(0, Math.floor(draw * pairs)));
  const first = Math.floor(pair / (all.length - 1));
  const second = pair % (all.length - 1);
  return [all[first], all[second < first ? second : second + 1]] as [Ranked, Ranked];
}

/** Per slot. */
function loadOf({ engine }: Ranked): number {
  return engine.load / Math.max(1, engine.slots);
}
