import type { RouteCandidate, RouteCost } from "../../protocol/run.ts";
import type { EngineView } from "../route.ts";
import type { Ranked } from "./price.ts";

/** A candidate as it is told and stored. */
export function candidateOf(ranked: Ranked): RouteCandidate {
  const { engine, cost, warmTokens, standing } = ranked;
  const { id, device, model } = engine;
  const warm = warmTokens > 0 ? { warmTokens } : {};
  return { engine: id, model: model.label, device, cost, ...warm, standing, why: describe(ranked) };
}

/** A model and where it runs; an endpoint that has not said what it serves goes by its address alone. */
export function placeText({
  model,
  device,
}: Pick<EngineView, "device"> & { readonly model: { readonly label: string } }): string {
  return model.label === device ? device : `${model.label} on ${device}`;
}

/** Its price, for people. */
function describe({ engine, cost, warmTokens }: Ranked): string {
  const parts = [`about ${seconds(cost.totalMs)}`, loadText(engine, cost)];
  if (cost.queueMs > 0) parts.push(`${engine.load} ahead of it`);
  else if (engine.load > 0) parts.push(`${engine.load} beside it`);
  if (warmTokens > 0) parts.push(`${warmTokens} tokens of the prompt still warm`);
  if (engine.failures > 0) parts.push(`failed ${engine.failures} times`);
  if ((cost.unreliableMs ?? 0) > 0) parts.push(`works ${Math.round(100 * (engine.reliability ?? 1))} % of the time`);
  const known = engine.known?.decodePerSecond ?? null;
  if (engine.decodePerSecond !== null) parts.push(`${engine.decodePerSecond.toFixed(0)} tokens/s measured`);
  else if (known !== null) parts.push(`${known.toFixed(0)} tokens/s ${engine.known?.origin}`);
  if (engine.thermal && engine.thermal !== "normal") parts.push(THERMAL_WORDS[engine.thermal]);
  const breaker = breakerText(engine);
  if (breaker !== null) parts.push(breaker);
  if (engine.isCloud) parts.push("in the cloud");
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

function breakerText({ breaker, load }: EngineView): string | null {
  switch (breaker?.state) {
    case undefined:
    case "closed":
      return null;
    case "half-open":
      return load > 0
        ? "asked by one request to see whether it works again"
        : "this request would see whether it works again";
    case "open": {
      const again = breaker.retryInMs === null ? "" : `, tried again in ${seconds(breaker.retryInMs)}`;
      return `gets no requests for now${breaker.why === null ? "" : ` (${breaker.why})`}${again}`;
    }
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
