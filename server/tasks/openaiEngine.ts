import { findNamed, type Use } from "../core/openai/named.ts";
import { ruledEngines } from "../core/openai/ruled.ts";
import { route, routeVectors } from "../core/route/decide.ts";
import { recordOf, vectorsRecordOf } from "../core/route/record.ts";
import type { EngineView, Route } from "../core/route.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Decision } from "../protocol/decision.ts";
import type { ErrorCode } from "../protocol/errors.ts";
import type { RouteRecord } from "../protocol/routing.ts";
import type { RunEvent, Tier } from "../protocol/run.ts";
import type { Lease } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import type { OpenAiDeps } from "./deps.ts";
import { isMet, meetEndpoints } from "./meetEndpoints.ts";

/** What a request in OpenAI's shape wants of an engine. */
export interface Wanted {
  readonly method: string;
  /** "auto", or the name that pins. */
  readonly model: string;
  readonly use: Use;
  /** How heavy it is; null for vectors, which are all alike. */
  readonly task: (Pick<Decision, "action"> & { readonly tier: Tier; readonly why: string }) | null;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** The prompt, for telling who has read its beginning already; empty: it cannot be told. */
  readonly texts: readonly string[];
  /** The model that a rule of the user's names; null: none does. */
  readonly ruled: string | null;
  /** Null: any engine will do; otherwise why one that does not speak OpenAI's API cannot do it. */
  readonly hopeless: TandemError | null;
}

/** A turn at an engine, and why this one. */
export interface Granted {
  readonly lease: Lease;
  readonly decision: Decision;
}

/** What was decided, and what from; null where there was no choice. */
interface Choice extends Pick<Decision, "engine" | "tier" | "action" | "why" | "candidates"> {
  readonly input: RouteRecord | null;
}
export type EmitDecision = (event: RunEvent | { kind: "decision"; decision: Decision }) => void;

/** Failures of one engine that another may not have. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  "model-unavailable",
  "not-configured",
  "provider",
  "timeout",
  "no-memory",
  "no-space",
]);

/** Finds the engine and waits for a turn at it; says what was decided once it is certain who answers. */
export async function openaiEngine(
  wanted: Wanted,
  deps: OpenAiDeps,
  emit: EmitDecision,
  signal: AbortSignal,
): Promise<Granted> {
  const { choice, lease } = await (wanted.model === "auto" ? routed : pinned)(wanted, deps, emit, signal);
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
    return { lease, decision };
  } catch (error) {
    lease[Symbol.dispose]();
    throw error;
  }
}

interface Taken {
  readonly choice: Choice;
  readonly lease: Lease;
}

/** By what the task is and what the engines are at; another engine once, where the first one cannot be had. */
async function routed(wanted: Wanted, deps: OpenAiDeps, emit: Emit, signal: AbortSignal): Promise<Taken> {
  const first = choose(wanted, deps, []);
  try {
    return { choice: first, lease: await deps.scheduler.acquire(first.engine, emit, signal) };
  } catch (error) {
    throwIfAborted(signal);
    if (!(error instanceof TandemError) || !ELSEWHERE.has(error.code)) throw error;
    const second = tryChoose(wanted, deps, [first.engine]);
    if (!second) throw error;
    const why = `${first.engine} could not be had (${error.message})`;
    emit({ kind: "notice", message: `${why}; ${second.engine} answers instead` });
    const choice = { ...second, why: `${why}; ${second.why}` };
    return { choice, lease: await deps.scheduler.acquire(second.engine, emit, signal) };
  }
}

function choose(wanted: Wanted, deps: OpenAiDeps, without: readonly string[]): Choice {
  const choice = tryChoose(wanted, deps, without);
  if (choice) return choice;
  if (wanted.hopeless) throw wanted.hopeless;
  if (wanted.use === "embed")
    throw new TandemError(
      "not-configured",
      "No engine is set up for vectors",
      "Set tandem.embed to a model or to an endpoint with an embedding model, or name the model of an engine that makes vectors",
    );
  throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
}

function tryChoose(wanted: Wanted, deps: OpenAiDeps, without: readonly string[]): Choice | null {
  const { task, promptTokens, outputTokens, texts, ruled } = wanted;
  const all = deps.scheduler.snapshot().filter((it) => !without.includes(it.id));
  const shared = { promptTokens, draw: deps.draw(), warmTokens: deps.warm?.(texts, all) ?? {} };
  if (!task) {
    const input = { ...shared, engines: all };
    const made = routeVectors(input);
    return made && { ...choiceOf(made), action: null, tier: null, input: vectorsRecordOf(input, made) };
  }
  const { action, tier } = task;
  const able = wanted.hopeless ? all.filter((it) => it.hasRelay !== false) : all;
  const ruling = ruledEngines(able, ruled);
  const input = { ...shared, tier, isAudited: false, outputTokens, engines: ruling.engines };
  const made = route(input);
  const chosen = made && { ...choiceOf(made), action, tier, input: recordOf(input, made) };
  return chosen && { ...chosen, why: [task.why, chosen.why, ...ruling.why].join("; ") };
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
async function pinned(wanted: Wanted, deps: OpenAiDeps, emit: Emit, signal: AbortSignal): Promise<Taken> {
  const here = await tryPinned(wanted, deps, emit, signal);
  if (here) return here;
  const silent = await meetEndpoints(deps, signal);
  const there = await tryPinned(wanted, deps, emit, signal);
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
async function tryPinned(wanted: Wanted, deps: OpenAiDeps, emit: Emit, signal: AbortSignal): Promise<Taken | null> {
  const { scheduler, pin } = deps;
  const known = findNamed(scheduler.snapshot(), wanted.model, wanted.use);
  if (known) refuseMismatch(wanted, known);
  const engine = known?.id ?? pin(wanted.model, wanted.use);
  if (engine === null) return null;
  const why = `the request names ${wanted.model}`;
  const lease = await scheduler.acquire(engine, emit, signal);
  return { choice: { engine, action: null, tier: null, why, candidates: [], input: null }, lease };
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
