import { randomBytes } from "node:crypto";
import type { EngineSpec } from "../engineSpec.ts";
import { abortError, throwIfAborted } from "../errors.ts";
import { type Foreign, type ForeignEnd, startForeign } from "../lifelines/foreign.ts";
import type { Register } from "../lifelines/register.ts";
import { freePort } from "../platform/freePort.ts";
import type { Engine, Log } from "../ports.ts";
import { parseAddress } from "./address.ts";
import { openConnection, readShort } from "./connection.ts";
import { llamaArguments } from "./llamaArguments.ts";
import { checkIsLlamaServer, endedWhileLoading, isPortTaken, notReady } from "./llamaFailure.ts";
import { openEndpoint } from "./openai.ts";
import { pause } from "./pause.ts";
import { childEnvironment, pinTo } from "./pin.ts";

/** From a slow disk a big model takes minutes. */
const LOADING_MS = 300_000;
const POLL_MS = 50;
/** Between choosing a port and the server's taking it, another program can take it. */
const MAX_PORTS = 5;
const KEY_BYTES = 24;
const NAME_BYTES = 6;
const CONNECT_MS = 5_000;

type Spec = Extract<EngineSpec, { kind: "llama-server" }>;

export interface LlamaServerDeps {
  readonly log: Log;
  /** The watchdog's program. */
  readonly shimPath: string;
  readonly register: Register | null;
}

/**
 * Starts a llama-server for one model on one device, under a watchdog, and waits until the model is loaded; then it is an endpoint like
 * any other, that only this process has the key of. Throws TandemError: not-configured (no llama-server at that path),
 * model-unavailable, no-memory, provider, timeout, cancelled.
 */
export async function openLlamaServer(spec: Spec, deps: LlamaServerDeps, signal: AbortSignal): Promise<Engine> {
  throwIfAborted(signal);
  await checkIsLlamaServer(spec.executable, signal);
  const startedMs = performance.now();
  const server = await startServer(spec, deps, signal);
  try {
    const engine = await openEndpoint(
      { kind: "endpoint", url: server.url, modelName: server.name, apiKey: server.apiKey },
      { log: deps.log },
      signal,
    );
    deps.log.info("llama-server loaded", {
      model: spec.model.id,
      device: spec.device,
      pid: server.foreign.pid,
      ms: Math.round(performance.now() - startedMs),
    });
    return engineOf(spec, engine, server.foreign, deps.log);
  } catch (error) {
    await server.foreign[Symbol.asyncDispose]();
    throw signal.aborted ? abortError(signal) : error;
  }
}

/** An endpoint's engine that has a process. The model is known better here than by its file's name. */
function engineOf(spec: Spec, endpoint: Engine, foreign: Foreign, log: Log): Engine {
  let isDisposed = false;
  const gone = Promise.withResolvers<string>();
  void foreign.gone.then((end) => {
    if (isDisposed) return;
    log.error("llama-server died", { pid: foreign.pid, ...end, lastWords: foreign.lastWords() });
    gone.resolve(howItEnded(end));
  });
  return {
    model: { ...spec.model, contextTokens: endpoint.model.contextTokens },
    device: spec.device,
    slots: endpoint.slots,
    pid: foreign.pid,
    generate: (request, signal) => endpoint.generate(request, signal),
    // One model is all it was started with.
    serves: [],
    relay: endpoint.relay,
    embed: spec.use === "embed" ? endpoint.embed : null,
    gone: gone.promise,
    held: null,
    trim: null,
    placement: null,
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await endpoint[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    },
  };
}

interface Started {
  readonly foreign: Foreign;
  readonly url: string;
  readonly apiKey: string;
  /** Of its model. Nobody else's server has it, so that one which took the port in between is not taken for ours. */
  readonly name: string;
}

/** A server that is ready. Tried again at another port when that one was taken in between. */
async function startServer(spec: Spec, deps: LlamaServerDeps, signal: AbortSignal): Promise<Started> {
  const apiKey = randomBytes(KEY_BYTES).toString("base64url");
  const name = `tandem-${randomBytes(NAME_BYTES).toString("hex")}`;
  // By the environment: what stands on a command line every user of the machine can read.
  const env = {
    ...childEnvironment(process.env, { isElectron: false, pin: pinTo(spec.device) }),
    LLAMA_API_KEY: apiKey,
  };
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const args = llamaArguments(spec, { port, name });
    const foreign = await startForeign({ ...deps, program: spec.executable, args, env }, signal);
    deps.log.debug("llama-server starting", { pid: foreign.pid, device: spec.device });
    const url = `http://127.0.0.1:${port}`;
    try {
      await isReady({ url, apiKey, name, foreign, spec }, signal);
      return { foreign, url, apiKey, name };
    } catch (error) {
      await foreign[Symbol.asyncDispose]();
      if (signal.aborted) throw abortError(signal);
      if (tries === MAX_PORTS || !isPortTaken(foreign.lastWords())) throw error;
      deps.log.info("port was taken, another is tried", { port });
    }
  }
}

/** Resolves when the server says that its model is loaded; throws when it ends before, in its own words. */
async function isReady(server: Started & { readonly spec: Spec }, signal: AbortSignal): Promise<void> {
  const { foreign, spec } = server;
  const settled = new AbortController();
  const limit = AbortSignal.timeout(LOADING_MS);
  const any = AbortSignal.any([signal, limit, settled.signal]);
  try {
    const end = await Promise.race([foreign.gone, poll(server, any)]);
    if (end !== null) throw endedWhileLoading(spec, { words: foreign.lastWords(), how: howItEnded(end) });
  } catch (error) {
    throw limit.aborted && !signal.aborted ? notReady(spec, LOADING_MS) : error;
  } finally {
    settled.abort();
  }
}

async function poll({ url, apiKey }: Started, signal: AbortSignal): Promise<null> {
  await using connection = openConnection({ address: parseAddress(url), apiKey, connectMs: CONNECT_MS });
  for (;;) {
    try {
      const reply = await connection.get(`${url}/health`, signal);
      await readShort(reply, signal);
      if (reply.status === 200) return null;
    } catch (error) {
      // It does not listen yet.
      if (signal.aborted) throw error;
    }
    await pause(POLL_MS, signal);
  }
}

function howItEnded({ exitCode, signal }: ForeignEnd): string {
  return signal === null ? `exit code ${exitCode ?? "unknown"}` : `signal ${signal}`;
}
