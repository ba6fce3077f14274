import type { RecordedEngine, RouteRecord } from "../../protocol/routing.ts";
import type { EngineView, Route, RouteInput, VectorsInput } from "../route.ts";
import { route, routeVectors } from "./decide.ts";
import type { RoutePolicy } from "./policy.ts";

/** What is stored of a decision to write: the same input, without what routing does not look at. */
export function recordOf(input: RouteInput, made: Pick<Route, "draft" | "audit">): RouteRecord {
  const { tier, isAudited, outputTokens } = input;
  const chosen = { draft: made.draft.engine, audit: made.audit?.engine ?? null };
  return { kind: "write", tier, isAudited, outputTokens, ...sharedOf(input), chosen };
}

/** The same of a decision for vectors. */
export function vectorsRecordOf(input: VectorsInput, made: Pick<Route, "draft">): RouteRecord {
  const chosen = { draft: made.draft.engine, audit: null };
  return { kind: "vectors", tier: "simple", isAudited: false, outputTokens: 0, ...sharedOf(input), chosen };
}

/** The decision made again; null where nobody would be chosen. */
export function routeAgain(record: RouteRecord, policy: RoutePolicy): Route | null {
  if (record.kind === "write") return route(record, policy);
  const made = routeVectors(record, policy);
  return made && { ...made, audit: null };
}

function sharedOf({ promptTokens, engines, cloud = null, draw = 0, ...warmth }: VectorsInput) {
  const { warmTokens = {}, displacedTokens = {} } = warmth;
  return { promptTokens, engines: engines.map(engineOf), cloud, draw, warmTokens, displacedTokens };
}

/** A server may say that it serves hundreds of models; none of them matters here. What is warm stands beside. */
function engineOf(view: EngineView): RecordedEngine {
  const { cache: _, ...seen } = view;
  return { ...seen, serves: [] };
}
