import { findNamed, type Use } from "../core/openai/named.ts";
import { ruledEngines } from "../core/openai/ruled.ts";
import { route, routeVectors } from "../core/route/decide.ts";
import { recordOf, vectorsRecordOf } from "../core/route/record.ts";
import type { CloudPermission, EngineView, Route } from "../core/route.ts";
import { TandemError } from "../errors.ts";
import type { Decision } from "../protocol/decision.ts";
import type { RouteRecord } from "../protocol/routing.ts";
import type { RunEvent, Tier } from "../protocol/run.ts";
import type { Lease } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import type { OpenAiDeps } from "./deps.ts";
import { createFailover, type Failover, type Successor, seamTo } from "./failover.ts";
import { isMet, meetEndpoints } from "./meetEndpoints.ts";
import { nobody } from "./planning.ts";

/** What a request in OpenAI's shape wants of an engine. */
export interface Wanted {
  readonly method: string;
  /** "auto", or the name that pins. */
  readonly model: string;
  readonly use: Use;
  /** How heavy it is; null for vectors, which are all alike. */
  readonly task: (Pick<Decision, "action" | "confidence"> & { readonly tier: Tier; readonly why: string }) | null;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** The prompt, for telling who has read its beginning already; empty: it cannot be told. */
  readonly texts: readonly string[];
  /** The model that a rule of the user's names; null: none does. */
  readonly ruled: string | null;
  /** Whether the cloud may see it; null: there is none, or it makes no vectors. */
  readonly cloud: CloudPermission | null;
  /** Null: any engine will do; otherwise why one that does not speak OpenAI's API cannot do it. */
  readonly hopeless: TandemError | null;
}

/** A turn at an engine, and why this one. */
export interface Granted {
  readonly lease: Lease;
  readonly decision: Decision;
  /** Who goes on where it fails. */
  readonly failover: Failover;
  /** Says that another engine goes on, from so many characters of the answer on: a decision of its own. */
  readonly moved: (successor: Successor, atCharacters: number) => void;
}

/** What was decided, and what from; null where there was no choice. */
interface Choice extends Pick<Decision, "engine" | "tier" | "action" | "confidence" | "taken" | "why" | "candidates"> {
  readonly input: RouteRecord | null;
}
/** A request that names its model, or wants vectors. */
const UNCLASSIFIED = { action: null, tier: null, confidence: null, taken: "" } as const;

export type EmitDecision = (event: RunEvent | { kind: "decision"; decision: Decision }) => void;

/** Finds the engine and waits for a turn at it; says what was decided once it is certain who answers. */
export async function openaiEngine(
  wanted: Wanted,
  deps: OpenAiDeps,
  emit: EmitDecision,
  signal: AbortSignal,
): Promise<Granted> {
  const failover = failoverOf(wanted, deps, emit);
  const { choice, lease } = await (wanted.model === "auto" ? routed : pinned)(wanted, deps, failover, signal);
  try {
    if (wanted.hopeless && !lease.engine.relay) throw wanted.hopeless;
    const { model, device } = lease.engine;
    const asked = { method: wanted.method, asked: wanted.model, client: null };
    const why = lease.instead === null ? choice.why : `${choice.why}; ${lease.instead}`;
    const { input, ...chosen } = choice;
    const made = { ...chosen, ...estimateOf(lease.id, choice), engine: lease.id, why, model: model.id, device };
    const where = whereOf(deps.scheduler.snapshot().find((it) => it.id === lease.id));
    const decision: Decision = { ...deps.stamp(), ...asked, ...made, ...where, after: null, fallbacks: [] };
    if (input) deps.note?.(input);
    emit({ kind: "decision", decision });
    const { id, engine, tier } = decision;
    deps.log.info("decided", { id, method: wanted.method, engine, model: model.id, device, tier, why });
    return { lease, decision, failover, moved: moving(decision, deps, emit) };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

function failoverOf(wanted: Wanted, { scheduler }: OpenAiDeps, emit: Emit): Failover {
  const { model, ruled, use, cloud, hopeless } = wanted;
  const isRuled = ruled !== null && findNamed(scheduler.snapshot(), ruled, use) !== null;
  const pinned = model === "auto" ? (isRuled ? ruled : null) : model;
  const need = { use, pinned, isRelayOnly: hopeless !== null };
  return createFailover({ scheduler, emit, need, cloud, work: "answers" });
}

function moving(first: Decision, deps: OpenAiDeps, emit: EmitDecision): Granted["moved"] {
  return (successor, atCharacters) => {
    const { lease, why } = successor;
    if (atCharacters > 0) emit({ kind: "seam", seam: seamTo(successor, atCharacters) });
    const { model, device } = lease.engine;
    const where = whereOf(deps.scheduler.snapshot().find((it) => it.id === lease.id));
    const made = { engine: lease.id, model: model.id, device, ...where, why, candidates: [], estimatedMs: null };
    const decision: Decision = { ...first, ...deps.stamp(), ...made, after: first.id, fallbacks: [] };
    emit({ kind: "decision", decision });
    deps.log.info("moved on", { id: decision.id, after: first.id, engine: lease.id, model: model.id, device, why });
  };
}

interface Taken {
  readonly choice: Choice;
  readonly lease: Lease;
}

/** By what the task is and what the engines are at; the next one that can do it, where the first one cannot be had. */
async function routed(wanted: Wanted, deps: OpenAiDeps, failover: Failover, signal: AbortSignal): Promise<Taken> {
  const choice = choose(wanted, deps);
  return begun(choice, failover, signal);
}

async function begun(choice: Choice, failover: Failover, signal: AbortSignal): Promise<Taken> {
  const { lease, why } = await failover.begin(choice.engine, signal);
  return { choice: why === null ? choice : { ...choice, why: `${why}; ${choice.why}` }, lease };
}

function choose(wanted: Wanted, deps: OpenAiDeps): Choice {
  const choice = tryChoose(wanted, deps);
  if (choice) return choice;
  if (wanted.hopeless) throw wanted.hopeless;
  if (wanted.use === "embed")
    throw new TandemError(
      "not-configured",
      "No engine is set up for vectors",
      "Set tandem.embed to a model or to an endpoint with an embedding model, or name the model of an engine that makes vectors",
    );
  throw nobody(deps.scheduler.snapshot(), wanted.cloud);
}

function tryChoose(wanted: Wanted, deps: OpenAiDeps): Choice | null {
  const { task, promptTokens, outputTokens, texts, ruled } = wanted;
  const all = deps.scheduler.snapshot();
  const shared = { promptTokens, draw: deps.draw(), ...deps.warm?.(texts, all) };
  if (!task) {
    const input = { ...shared, engines: all };
    const made = routeVectors(input);
    return made && { ...choiceOf(made), ...UNCLASSIFIED, input: vectorsRecordOf(input, made) };
  }
  const { action, tier, confidence } = task;
  const able = wanted.hopeless ? all.filter((it) => it.hasRelay !== false) : all;
  const ruling = ruledEngines(able, ruled, wanted.cloud);
  const input = { ...shared, tier, isAudited: false, outputTokens, engines: ruling.engines, cloud: wanted.cloud };
  const made = route(input);
  const taken = { action, tier, confidence, taken: task.why };
  const chosen = made && { ...choiceOf(made), ...taken, input: recordOf(input, made) };
  return chosen && { ...chosen, why: [chosen.why, ...ruling.why].join("; ") };
}

function choiceOf({ draft, why, candidates }: Omit<Route, "audit">) {
  return { engine: draft.engine, why, candidates: [...candidates] };
}

/** As it was reckoned for the engine that answers. */
function estimateOf(id: string, { candidates }: Choice): Pick<Decision, "estimatedMs"> {
  return { estimatedMs: candidates.find((it) => it.engine === id)?.cost.totalMs ?? null };
}

function whereOf(view: EngineView | undefined): Pick<Decision, "backend" | "address" | "isCloud"> {
  return { backend: view?.backend ?? null, address: view?.address ?? null, isCloud: view?.isCloud ?? false };
}

/** The engine that has the model of this name: one of the session, one that is opened for it, or one at an endpoint that has not said yet what it serves. */
async function pinned(wanted: Wanted, deps: OpenAiDeps, failover: Failover, signal: AbortSignal): Promise<Taken> {
  const here = await tryPinned(wanted, deps, failover, signal);
  if (here) return here;
  const silent = await meetEndpoints(deps, signal);
  const there = await tryPinned(wanted, deps, failover, signal);
  if (there) return there;
  const names = [...new Set(["auto", ...namesHere(deps), ...deps.openable])];
  const without = silent.map((it) => `; ${it}`).join("");
  throw new TandemError(
    "model-unavailable",
    `There is no model "${wanted.model}"${without}`,
    `Name one of: ${names.join(", ")}; or file: and the path of a GGUF`,
    // Where an endpoint is silent, the model may be there the next time.
    { details: { isUnknown: silent.length === 0, param: "model" } },
  );
}

function namesHere({ scheduler }: OpenAiDeps): string[] {
  return scheduler.snapshot().flatMap((it) => (isMet(it) ? [it.model.id, ...it.serves] : []));
}

/** Finds the engine and gets in line there before anything else happens, so that nobody closes it in between. */
async function tryPinned(
  wanted: Wanted,
  deps: OpenAiDeps,
  failover: Failover,
  signal: AbortSignal,
): Promise<Taken | null> {
  const { scheduler, pin } = deps;
  const known = findNamed(scheduler.snapshot(), wanted.model, wanted.use);
  if (known) refuseMismatch(wanted, known);
  const engine = known?.id ?? pin(wanted.model, wanted.use);
  if (engine === null) return null;
  refuseCloud(wanted, scheduler.snapshot(), engine);
  const why = `the request names ${wanted.model}`;
  return begun({ engine, ...UNCLASSIFIED, why, candidates: [], input: null }, failover, signal);
}

/** Who names a model in the cloud has not allowed it anything by that. */
function refuseCloud({ model, cloud, use }: Wanted, engines: readonly EngineView[], engine: string): void {
  if (!engines.some((it) => it.id === engine && it.isCloud) || cloud?.isAllowed) return;
  const why = cloud?.why ?? (use === "embed" ? "vectors are made here" : "the cloud is off");
  throw new TandemError(
    "disabled",
    `${model} is in the cloud, and this request stays on this machine: ${why}`,
    'Ask for "auto" or for a model of this machine, or look at the settings of the cloud',
    { details: { param: "model", isPrivate: true }, isRetryable: false },
  );
}

/** What is certain before the engine is loaded. */
function refuseMismatch({ hopeless, model, use }: Wanted, { roles, kind, hasRelay }: EngineView): void {
  if (hasRelay === false && hopeless) throw hopeless;
  const isEmbedder = kind === "embedded" && roles.length > 0 && roles.every((it) => it === "embed");
  if (use === "write" && isEmbedder)
    throw new TandemError("bad-request", `${model} makes vectors and writes no text`, 'Ask for "auto"', {
      details: { param: "model" },
    });
}
