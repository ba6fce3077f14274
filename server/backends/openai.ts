import type { EngineSpec } from "../engineSpec.ts";
import { abortError, throwIfAborted } from "../errors.ts";
import type { Engine, GenerateRequest, Log, Piece } from "../ports.ts";
import { type Address, parseAddress } from "./address.ts";
import { type Attached, attach, type Recognise } from "./attach.ts";
import { AttemptFailed, attempt } from "./attempt.ts";
import { type Connection, openConnection } from "./connection.ts";
import { backOffMs, pause } from "./pause.ts";
import { createRelay } from "./relay.ts";
import { createEmbed } from "./vectors.ts";
import { type Extra, wireRequest } from "./wireBody.ts";

/** How patient an endpoint is waited for. Milliseconds. The time a whole answer may take is the caller's signal. */
export interface EndpointLimits {
  readonly connectMs: number;
  /** A server that is loading its model says 503. */
  readonly loadingMs: number;
  readonly firstTokenMs: number;
  /** Between two signs of life, once it writes. */
  readonly idleMs: number;
  /** The first wait before asking again; it doubles. */
  readonly retryBaseMs: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = {
  connectMs: 5_000,
  loadingMs: 60_000,
  firstTokenMs: 120_000,
  idleMs: 60_000,
  retryBaseMs: 500,
};
/** Times one request is asked for, the first included, as long as no text came. */
const MAX_ATTEMPTS = 3;
/** A server that wants a longer break than this gets none of our time; the user is told instead. */
const MAX_RETRY_WAIT_MS = 15_000;

type Spec = Extract<EngineSpec, { kind: "endpoint" }>;

export interface EndpointDeps {
  readonly log: Log;
  readonly recognise?: Recognise;
  readonly limits?: Partial<EndpointLimits>;
}

/**
 * Attaches to an OpenAI-compatible server: llama-server (recognised, and used by its own better means), vLLM, Ollama, LM Studio.
 * Throws TandemError: not-configured (address, key), model-unavailable (name), provider, timeout, cancelled.
 */
export async function openEndpoint(spec: Spec, deps: EndpointDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  const limits = { ...ENDPOINT_LIMITS, ...deps.limits };
  const address = parseAddress(spec.url);
  const connection = openConnection({ address, apiKey: spec.apiKey, connectMs: limits.connectMs });
  try {
    const { loadingMs } = limits;
    const attached = await attach({ connection, address, spec, loadingMs, recognise: deps.recognise }, signal);
    const { dialect, modelName, slots } = attached;
    deps.log.info("endpoint attached", { host: address.host, model: modelName, dialect, slots });
    return createEndpointEngine({ attached, address, connection, apiKey: spec.apiKey, limits, log: deps.log });
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : error;
  }
}

interface EngineGiven {
  readonly attached: Attached;
  readonly address: Address;
  readonly connection: Connection;
  readonly apiKey: string;
  readonly limits: EndpointLimits;
  readonly log: Log;
}

function createEndpointEngine(given: EngineGiven): Engine {
  const { attached, address, connection, log } = given;
  const without = new Set<Extra>();
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
    for (let tries = 1; ; tries++) {
      const wire = wireRequest(request, { dialect: attached.dialect, modelName: attached.modelName, without });
      let hasText = false;
      try {
        for await (const piece of attempt({ ...given, request, wire }, signal)) {
          hasText = true;
          yield piece;
        }
        return;
      } catch (error) {
        if (!(error instanceof AttemptFailed)) throw error;
        if (hasText) throw error.error;
        if (error.blamed !== null && !without.has(error.blamed)) {
          without.add(error.blamed);
          log.warn("endpoint refused a part of the request", {
            host: address.host,
            part: error.blamed,
            why: error.message,
          });
          tries--;
          continue;
        }
        const waitMs = retryWaitMs(error, tries, given.limits);
        if (waitMs === null) throw error.error;
        log.info("endpoint asked again", { host: address.host, tries, waitMs: Math.round(waitMs), why: error.message });
        await pause(waitMs, signal);
      }
    }
  }
  return {
    model: attached.model,
    device: address.host,
    slots: attached.slots,
    serves: attached.serves,
    pid: null,
    generate,
    relay: createRelay({ ...given, modelName: attached.modelName }),
    embed: createEmbed({ ...given, modelName: attached.modelName }),
    // Whether it is there shows with each request; an endpoint has no end of its own.
    gone: new Promise<string>(() => {}),
    held: null,
    trim: null,
    placement: null,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** How long to wait before asking again; null when it is not worth it. */
function retryWaitMs(failed: AttemptFailed, tries: number, limits: EndpointLimits): number | null {
  if (failed.retryAfterMs === null || tries >= MAX_ATTEMPTS || failed.retryAfterMs > MAX_RETRY_WAIT_MS) return null;
  return Math.max(failed.retryAfterMs, backOffMs(tries, { baseMs: limits.retryBaseMs, maxMs: MAX_RETRY_WAIT_MS }));
}
