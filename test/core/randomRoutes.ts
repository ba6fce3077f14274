import type { EngineView, RouteInput } from "../../server/core/route.ts";
import { MODEL, routable } from "./routable.ts";

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Any situation there may be, odd ones among them: no rates, rates of nothing, endless ones, engines that are all shut. */
export function randomInput(next: () => number, most = 6): RouteInput {
  const engines = Array.from({ length: Math.floor(next() * most) + 1 }, (_, at) => randomEngine(`e${at}`, next));
  const one = <T>(...values: readonly T[]) => pick(next, values);
  return {
    tier: one("simple", "moderate", "complex"),
    isAudited: next() < 0.5,
    promptTokens: one(0, 1, 500, 20_000),
    outputTokens: one(0, 64, 2_000),
    engines,
    draw: next(),
    warmTokens: Object.fromEntries(
      engines.flatMap(({ id }) => (next() < 0.3 ? [[id, Math.floor(next() * 30_000)]] : [])),
    ),
    cloud: one(null, { isAllowed: next() < 0.5, why: "as set", when: one("fallback", "first") }),
  };
}

function randomEngine(id: string, next: () => number): EngineView {
  const one = <T>(...values: readonly T[]) => pick(next, values);
  const isCloud = next() < 0.15;
  return routable(id, {
    roles: isCloud
      ? one(["cloud"], ["cloud", "audit"], ["audit"])
      : one(["draft"], ["audit"], ["draft", "audit"], ["low"], ["high"], ["embed"], []),
    model: { ...MODEL, id, label: id, parametersB: one(null, 0.5, 7, 70) },
    device: one("cpu", "cuda:0", "host:8000"),
    backend: one("embedded", "llama-server", "vllm", "endpoint"),
    isResident: next() < 0.7,
    slots: one(0, 1, 4, 64),
    load: one(0, 0, 1, 3, 80),
    prefillPerSecond: rate(next, 2_000),
    decodePerSecond: rate(next, 100),
    loadMs: one(null, 0, 800, 60_000),
    failures: one(0, 0, 0, 1, 9),
    reliability: one(null, 1, 0.7, 0),
    known: one(null, {
      prefillPerSecond: null,
      decodePerSecond: rate(next, 100),
      loadMs: 900,
      origin: "in earlier work",
    }),
    thermal: one(null, "normal", "warm", "hot", "critical"),
    breaker: one(
      { state: "closed", retryInMs: null, why: null },
      { state: "closed", retryInMs: null, why: null },
      { state: "open", retryInMs: 5_000, why: "it refused" },
      { state: "half-open", retryInMs: null, why: "it refused" },
    ),
    isCloud,
  });
}

/** Engines have been seen to tell a rate of nothing. */
function rate(next: () => number, about: number): number | null {
  return pick(next, [null, 0, about * (0.5 + next()), about * (0.5 + next()), Number.POSITIVE_INFINITY]);
}

function pick<T>(next: () => number, values: readonly T[]): T {
  return values[Math.floor(next() * values.length)] as T;
}
