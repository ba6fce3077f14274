import type { EngineSpec } from "../engineSpec.ts";
import { abortError, throwIfAborted } from "../errors.ts";
import type { Engine, GenerateRequest, Log, Piece } from "../ports.ts";
import { parseAddress } from "./address.ts";
import { type Attached, attach, type Recognise } from "./attach.ts";
import { attempt, type Timed } from "./attempt.ts";
import { openConnection } from "./connection.ts";
import { createLoad } from "./load.ts";
import { createRelay } from "./relay.ts";
import { goesOnAt } from "./relayedOn.ts";
import { AttemptFailed, retried } from "./retry.ts";
import { deadlineOf, patience, type Server } from "./server.ts";
import { createSettle } from "./settle.ts";
import { REAL_TIMING, type Timing } from "./timing.ts";
import { createEmbed } from "./vectors.ts";
import type { AnswerLimits } from "./watchdog.ts";
import { type Extra, wireRequest } from "./wireBody.ts";

/** How patient an endpoint is waited for. Milliseconds. */
export interface EndpointLimits extends AnswerLimits {
  readonly connectMs: number;
  /** A server that is loading its model says 503. */
  readonly loadingMs: number;
  /** The first wait before asking again; it doubles. */
  readonly retryBaseMs: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = {
  connectMs: 5_000,
  loadingMs: 60_000,
  firstTokenMs: 120_000,
  idleMs: 60_000,
  totalMs: 300_000,
  retryBaseMs: 500,
};

type Spec = Extract<EngineSpec, { kind: "endpoint" }>;

export interface EndpointDeps {
  readonly log: Log;
  readonly recognise?: Recognise;
  readonly limits?: Partial<EndpointLimits>;
  readonly timing?: Timing;
}

/**
 * Attaches to an OpenAI-compatible server: llama-server (recognised, and used by its own better means), vLLM, Ollama, LM Studio.
 * Throws TandemError: not-configured (address, key), model-unavailable (name), provider, timeout, cancelled.
 */
export async function openEndpoint(spec: Spec, deps: EndpointDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  const limits = { ...ENDPOINT_LIMITS, ...spec.patience, ...deps.limits };
  const address = parseAddress(spec.url);
  const connection = openConnection({ address, apiKey: spec.apiKey, connectMs: limits.connectMs });
  try {
    const { loadingMs } = limits;
    const attached = await attach({ connection, address, spec, loadingMs, recognise: deps.recognise }, signal);
    const { dialect, modelName, slots } = attached;
    deps.log.info("endpoint attached", { host: address.host, model: modelName, dialect, slots });
    const { log, timing = REAL_TIMING } = deps;
    return createEndpointEngine({
      attached,
      address,
      connection,
      apiKey: spec.apiKey,
      limits,
      log,
      timing,
      load: createLoad(),
    });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : error;
  }
}

interface EngineGiven extends Server {
  readonly attached: Attached;
}

function createEndpointEngine(given: EngineGiven): Engine {
  const { attached, address, connection } = given;
  const { dialect, modelName } = attached;
  const without = new Set<Extra>();
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
    const deadlineMs = deadlineOf(given, request.deadlineMs);
    const act = () => begin(given, { request: { ...request, deadlineMs }, without }, signal);
    const answer = await retried(patience(given, { ...request, deadlineMs }), act, signal);
    try {
      for (let next = answer.first; !next.done; next = await answer.rest.next()) yield next.value;
    } catch (error) {
      throw error instanceof AttemptFailed ? error.error : error;
    } finally {
      await answer.rest.return();
    }
  }
  return {
    model: attached.model,
    device: address.host,
    slots: attached.slots,
    serves: attached.serves,
    pid: null,
    generate,
    relay: createRelay({ ...given, modelName, dialect }),
    relayGoesOn: (path) => goesOnAt(path, dialect),
    embed: createEmbed({ ...given, modelName }),
    ...(attached.showsSlots && { settle: createSettle(given, modelName) }),
    // Whether it is there shows with each request; an endpoint has no end of its own.
    gone: new Promise<string>(() => {}),
    held: null,
    trim: null,
    placement: null,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

interface Begun {
  readonly first: IteratorResult<Piece, void>;
  readonly rest: AsyncGenerator<Piece, void, void>;
}

/** Asks until an answer begins, leaving out what the server refuses and an answer can do without. Throws AttemptFailed. */
async function begin(
  given: EngineGiven,
  asked: { readonly request: Timed; readonly without: Set<Extra> },
  signal: AbortSignal,
): Promise<Begun> {
  const { request, without } = asked;
  const { dialect, modelName } = given.attached;
  for (;;) {
    const wire = wireRequest(request, { dialect, modelName, without });
    const rest = attempt({ ...given, request, wire }, signal);
    try {
      return { first: await rest.next(), rest };
    } catch (error) {
      const part = error instanceof AttemptFailed ? error.blamed : null;
      if (part === null || without.has(part)) throw error;
      without.add(part);
      const why = error instanceof Error ? error.message : "";
      given.log.warn("endpoint refused a part of the request", { host: given.address.host, part, why });
    }
  }
}
