import type { ErrorCode } from "../protocol/errors.ts";
import type { Use } from "./openai/named.ts";
import type { CloudPermission, EngineView } from "./route.ts";

/** What broke at an engine. */
export interface Failure {
  readonly engine: string;
  readonly code: ErrorCode;
  /** HTTP's, where a server said one. */
  readonly status: number | null;
  /** For people. */
  readonly message: string;
  /** `turn`: the engine could not be had. `answer`: it failed before any text. `text`: in the middle of it. */
  readonly phase: "turn" | "answer" | "text";
  /** It was asked but once, as another was ready. */
  readonly isHasty?: boolean;
}

/** What the next engine must be able to do. */
export interface Need {
  readonly use: Use;
  /** The model that the request names; null: any will do. */
  readonly pinned: string | null;
  /** Only engines that take requests in OpenAI's shape as they are. */
  readonly isRelayOnly: boolean;
  /** Prompt and the text that is there, estimated. */
  readonly tokens: number;
}

export interface FallbackInput {
  /** As they are now. */
  readonly engines: readonly EngineView[];
  /** In order: the last one is to be got over, and none of them is asked again but as the rules below say. */
  readonly failures: readonly Failure[];
  readonly need: Need;
  /** Null: engines in the cloud are not asked. */
  readonly cloud: CloudPermission | null;
}

export interface FallbackStep {
  readonly engine: string;
  readonly kind: "again" | "same-model" | "smaller-model" | "other" | "cloud";
  /** For people: why this one. */
  readonly why: string;
}

export interface Fallback {
  /** Who may go on, the first choice first. */
  readonly next: readonly FallbackStep[];
  /** Who may not, and why. */
  readonly passed: readonly { readonly engine: string; readonly why: string }[];
}

/**
 * - none       another engine would fail at it too: the request itself is at fault, or nobody wants the answer any more
 * - larger     only an engine with room for a longer prompt helps
 * - elsewhere  any other engine may do better
 */
export type Remedy = "none" | "larger" | "elsewhere";

const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  "not-configured",
  "model-unavailable",
  "provider",
  "timeout",
  "no-space",
  "no-memory",
  "disabled",
]);
/** HTTP's refusals that speak of the server and not of the request: time-out, too early, too many requests. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);
/** Who would have to wait longer than this for a model to be loaded is better off with a smaller one that is there. A choice, not a measurement. */
const PATIENCE_MS = 3_000;
/** How often one engine is asked in all, if it may be asked again: what kills it twice kills it a third time. */
const MOST_PER_ENGINE = 2;
const NOTHING: Fallback = { next: [], passed: [] };
const RANK = { "same-model": 0, again: 1, "smaller-model": 2, other: 3, cloud: 4 } as const;

/** What helps against a failure. */
export function remedyFor({ code, status }: Failure): Remedy {
  if (code === "context-length") return "larger";
  if (!ELSEWHERE.has(code)) return "none";
  // What one server finds wrong with a request, or will not write, is no different at the next.
  const isRefusal = code === "provider" && status !== null && status >= 400 && status < 500 && !PASSING.has(status);
  return isRefusal ? "none" : "elsewhere";
}

/**
 * Who goes on after a failure: the same model elsewhere, then the same engine once more where it broke in the middle, a smaller model,
 * whoever else can do it, and the cloud as far as that is allowed. Within that order, who has to load for long comes after who has not.
 * A request that names its model is answered by no other, and vectors are only ever made by the same one.
 */
export function fallback(input: FallbackInput): Fallback {
  const { engines, failures } = input;
  const [first, last] = [failures[0], failures.at(-1)];
  const remedy = last ? remedyFor(last) : "none";
  if (!first || !last || remedy === "none") return NOTHING;
  const from = engines.find((it) => it.id === first.engine) ?? null;
  const broken = engines.find((it) => it.id === last.engine) ?? null;
  const looked = engines.map((engine) => {
    const kind = kindOf(engine, from, input);
    return { engine, kind, whyNot: reasonAgainst({ engine, kind, broken }, input) };
  });
  const able = looked.filter((it) => it.whyNot === null).toSorted(compare);
  return {
    next: able.map(({ engine, kind }) => ({ engine: engine.id, kind, why: inWords(engine, kind, input) })),
    passed: looked.flatMap(({ engine, whyNot }) => (whyNot === null ? [] : [{ engine: engine.id, why: whyNot }])),
  };
}

/** Whether somebody else would go on at once if this engine failed: loaded or a server, with nothing to wait for. */
export function isReplaceable(engine: string, input: FallbackInput): boolean {
  const failed: Failure = { engine, code: "provider", status: null, message: "", phase: "answer" };
  const { next } = fallback({ ...input, failures: [...input.failures, failed] });
  return next.some((step) => {
    const other = input.engines.find((it) => it.id === step.engine);
    if (!other || other.id === engine) return false;
    return (other.isResident || other.kind === "endpoint") && other.load < other.slots;
  });
}

function kindOf(engine: EngineView, from: EngineView | null, { failures }: FallbackInput): FallbackStep["kind"] {
  if (engine.isCloud) return "cloud";
  if (failures.some((it) => it.engine === engine.id)) return "again";
  if (from && isSameModel(engine, from)) return "same-model";
  const [size, whole] = [engine.model.parametersB, from?.model.parametersB ?? null];
  return size !== null && whole !== null && size < whole ? "smaller-model" : "other";
}

interface Candidate {
  readonly engine: EngineView;
  readonly kind: FallbackStep["kind"];
  /** The engine that has just failed. */
  readonly broken: EngineView | null;
}

function reasonAgainst(candidate: Candidate, input: FallbackInput): string | null {
  const { engine, broken } = candidate;
  const { need, failures, cloud } = input;
  if (engine.breaker?.state === "open")
    return `it is left alone for a while: ${engine.breaker.why ?? "it failed repeatedly"}`;
  if (engine.isCloud && !cloud?.isAllowed) return cloud?.why ?? "the cloud is not allowed";
  const unfit = unfitness(engine, need, input);
  if (unfit !== null) return unfit;
  const last = failures.at(-1);
  const isLarger = broken === null || engine.model.contextTokens > broken.model.contextTokens;
  if (last && remedyFor(last) === "larger" && !isLarger) return "its context is no larger";
  // What is not known of a server that was not asked yet shows when it is.
  const isKnown = engine.isResident || engine.kind === "embedded";
  if (isKnown && need.tokens >= engine.model.contextTokens) return "prompt and text do not fit its context";
  return failures.some((it) => it.engine === engine.id) ? reasonNotAgain(engine, failures) : null;
}

/** What it cannot do at all. */
function unfitness(engine: EngineView, need: Need, { engines, failures }: FallbackInput): string | null {
  const { roles, hasRelay } = engine;
  if (need.isRelayOnly && hasRelay === false) return "it does not take requests of this kind";
  const from = engines.find((it) => it.id === failures[0]?.engine);
  const isSame = from !== undefined && isSameModel(engine, from);
  const isPinned = need.pinned !== null && (isSame || hasName(engine, need.pinned));
  if (need.pinned !== null && !isPinned) return `the request names ${need.pinned}`;
  if (need.use === "embed") {
    if (!roles.includes("embed") && roles.length > 0) return "it makes no vectors";
    return isSame ? null : "its vectors are another model's";
  }
  if (roles.length > 0 && roles.every((it) => it === "embed")) return "it writes no text";
  return roles.length === 0 && need.pinned === null ? "it is only for who names its model" : null;
}

/** A process that died is started anew, and a server that broke off may have been; one that could not be had is not tried again. */
function reasonNotAgain(engine: EngineView, failures: readonly Failure[]): string | null {
  const own = failures.filter((it) => it.engine === engine.id);
  if (own.length === 0) return null;
  if (own.length >= MOST_PER_ENGINE) return "it failed again";
  const [failed] = own;
  const mayWork = failed?.code === "provider" || failed?.code === "no-memory";
  const hasBegun =
    failed?.phase === "text" || (failed?.phase === "answer" && (engine.kind === "embedded" || failed.isHasty === true));
  return mayWork && hasBegun ? null : "it failed";
}

interface Able {
  readonly engine: EngineView;
  readonly kind: FallbackStep["kind"];
}

function compare(a: Able, b: Able): number {
  return (
    Number(a.kind === "cloud") - Number(b.kind === "cloud") ||
    Number(isSlow(a)) - Number(isSlow(b)) ||
    RANK[a.kind] - RANK[b.kind] ||
    Number(b.engine.isResident) - Number(a.engine.isResident) ||
    Number(a.engine.breaker?.state === "half-open") - Number(b.engine.breaker?.state === "half-open") ||
    a.engine.failures - b.engine.failures ||
    (b.engine.model.parametersB ?? 0) - (a.engine.model.parametersB ?? 0) ||
    a.engine.load / a.engine.slots - b.engine.load / b.engine.slots
  );
}

/** It must be loaded first, for long or for nobody knows how long; or it is a server that has just broken off. */
function isSlow({ engine, kind }: Able): boolean {
  if (engine.kind === "endpoint") return kind === "again";
  const loadMs = engine.loadMs ?? engine.known?.loadMs ?? null;
  return !engine.isResident && (loadMs === null || loadMs > PATIENCE_MS);
}

function isSameModel(a: EngineView, b: EngineView): boolean {
  return (
    a.model.id === b.model.id || (a.model.label === b.model.label && a.model.quantisation === b.model.quantisation)
  );
}

function hasName({ id, roles, model }: EngineView, name: string): boolean {
  return (roles.length === 0 && id === name) || [model.id, model.label].includes(name) || model.id === `${name}:latest`;
}

function inWords({ device }: EngineView, kind: FallbackStep["kind"], { cloud }: FallbackInput): string {
  switch (kind) {
    case "again":
      return "the same engine once more";
    case "same-model":
      return `the same model on ${device}`;
    case "smaller-model":
      return `a smaller model on ${device}`;
    case "other":
      return `another engine, on ${device}`;
    case "cloud":
      return `in the cloud: ${cloud?.why ?? ""}`;
  }
}
