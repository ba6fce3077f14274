import { slowdown } from "../../../server/core/route/contention.ts";
import { route } from "../../../server/core/route/decide.ts";
import type { RoutePolicy } from "../../../server/core/route/policy.ts";
import type { RouteInput } from "../../../server/core/route.ts";
import { generator } from "../../core/randomRoutes.ts";
import { routable } from "../../core/routable.ts";

/** Requests that come to engines of one kind, by what was known of their load a while ago. */
export interface Herd {
  readonly engines: number;
  readonly slots: number;
  /** What each further stream adds to everybody's time on it. */
  readonly contention: number;
  readonly requests: number;
  /** Between two requests, on average; 0: all at once. */
  readonly everyMs: number;
  /** How old the load that is known may be; 0: it is always as it is. */
  readonly staleMs: number;
  readonly policy: RoutePolicy;
  /** False: no two are drawn; of those alike it is always the same one. */
  readonly isDrawn: boolean;
  readonly seed: number;
}

export interface Spread {
  readonly meanMs: number;
  readonly p99Ms: number;
  /** The most that any engine had at a time, running and waiting. */
  readonly mostLoad: number;
}

const JOB: Pick<RouteInput, "tier" | "isAudited" | "promptTokens" | "outputTokens"> = {
  ...{ tier: "moderate", isAudited: false },
  ...{ promptTokens: 1_000, outputTokens: 100 },
};
/** As `routable` engines do it alone. */
const ALONE_MS = 3_000;

interface Engine {
  readonly id: string;
  /** When each slot is free again. */
  readonly freeMs: number[];
  /** When each of its requests ends. */
  ends: number[];
}

/** What becomes of them. Each request takes as long as those beside it at its start make it; no more is needed to see who queues. */
export function herd({ engines, slots, contention, requests, everyMs, staleMs, policy, isDrawn, seed }: Herd): Spread {
  const next = generator(seed);
  const all: Engine[] = Array.from({ length: engines }, (_, at) => ({
    id: `e${at}`,
    freeMs: Array.from({ length: slots }, () => 0),
    ends: [],
  }));
  let nowMs = 0;
  let seen: readonly number[] = all.map(() => 0);
  let seenMs = 0;
  let mostLoad = 0;
  const tookMs: number[] = [];
  for (let nth = 0; nth < requests; nth++) {
    nowMs += everyMs === 0 ? 0 : -Math.log(1 - next()) * everyMs;
    for (const it of all) it.ends = it.ends.filter((endMs) => endMs > nowMs);
    if (nowMs - seenMs >= staleMs && (nth > 0 || staleMs === 0) && everyMs > 0) {
      seen = all.map((it) => it.ends.length);
      seenMs = nowMs;
    }
    const views = all.map((it, at) => routable(it.id, { slots, load: seen[at] ?? 0, backend: "llama-server" }));
    const made = route({ ...JOB, engines: views, draw: isDrawn ? next() : 0 }, policy);
    const engine = all.find((it) => it.id === made?.draft.engine);
    if (!engine) throw new Error("nobody was chosen");
    const free = Math.min(...engine.freeMs);
    const slot = engine.freeMs.indexOf(free);
    const startMs = Math.max(nowMs, free);
    const beside = engine.freeMs.filter((it) => it > startMs).length;
    const endMs = startMs + ALONE_MS * slowdown(beside + 1, contention) * (0.5 + next());
    engine.freeMs[slot] = endMs;
    engine.ends.push(endMs);
    mostLoad = Math.max(mostLoad, engine.ends.length);
    tookMs.push(endMs - nowMs);
  }
  tookMs.sort((a, b) => a - b);
  const meanMs = tookMs.reduce((sum, it) => sum + it, 0) / tookMs.length;
  return { meanMs, p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? 0, mostLoad };
}
