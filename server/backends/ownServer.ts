import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { abortError, TandemError } from "../errors.ts";
import { type Foreign, type ForeignEnd, startForeign } from "../lifelines/foreign.ts";
import type { Register } from "../lifelines/register.ts";
import { freePort } from "../platform/freePort.ts";
import type { Engine, Log } from "../ports.ts";
import type { ModelInfo } from "../protocol/models.ts";
import { parseAddress } from "./address.ts";
import { brokeOff, isRefused, openConnection, readShort } from "./connection.ts";
import { isPortTaken } from "./llamaFailure.ts";
import { type EndpointLimits, openEndpoint } from "./openai.ts";
import { createPulse } from "./pulse.ts";
import { readRefusal } from "./refusal.ts";
import { pause } from "./timing.ts";

const POLL_MS = 50;
/** Between choosing a port and the server's taking it, another program can take it. */
const MAX_PORTS = 5;
const KEY_BYTES = 24;
const NAME_BYTES = 6;
const CONNECT_MS = 5_000;
const HEALTH_MS = 5_000;
/** From the end of a connection until the watchdog tells of the end of its server; a machine under load takes its time. */
const ENDING_MS = 3_000;

export interface OwnServerDeps {
  readonly log: Log;
  /** The watchdog's program. */
  readonly shimPath: string;
  readonly register: Register | null;
  /** Shorter, for tests. */
  readonly limits?: Partial<EndpointLimits>;
  readonly probeMs?: number;
}

/** How one kind of server is started for one model. */
export interface OwnServer {
  /** For people and logs: "llama-server", "vLLM". */
  readonly title: string;
  readonly program: string;
  readonly args: (given: { readonly port: number; readonly name: string }) => readonly string[];
  /** Its key goes by the environment: what stands on a command line every user of the machine can read. */
  readonly env: (apiKey: string) => Readonly<Record<string, string>>;
  readonly onOutput: (text: string) => void;
  /** From a slow disk a big model takes minutes. */
  readonly loadingMs: number;
  /** It ended before its model was loaded; `words` are its last. */
  readonly endedEarly: (said: { readonly words: string; readonly how: string }) => Error;
  readonly notReady: () => Error;
}

export interface Running extends AsyncDisposable {
  readonly foreign: Foreign;
  /** The server as an endpoint that only this process has the key of. */
  readonly endpoint: Engine;
  isHealthy(signal: AbortSignal): Promise<boolean>;
  /** Asks something of it that needs no body; `path` begins at its root. Throws TandemError provider where it says no. */
  post(path: string, signal: AbortSignal): Promise<void>;
}

/**
 * Starts a server under a watchdog, and waits until its model is loaded. Tried again at another port when that one was taken in
 * between. Throws what the server's own words mean, and TandemError: not-configured, cancelled.
 */
export async function startOwnServer(server: OwnServer, deps: OwnServerDeps, signal: AbortSignal): Promise<Running> {
  const apiKey = randomBytes(KEY_BYTES).toString("base64url");
  // Nobody else's server has this name, so that one which took the port in between is not taken for ours.
  const name = `tandem-${randomBytes(NAME_BYTES).toString("hex")}`;
  const { program, onOutput } = server;
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const args = server.args({ port, name });
    const foreign = await startForeign({ ...deps, program, args, env: server.env(apiKey), onOutput }, signal);
    deps.log.debug(`${server.title} starting`, { pid: foreign.pid });
    const url = `http://127.0.0.1:${port}`;
    try {
      await isReady({ url, apiKey, foreign, server }, signal);
      const spec = { kind: "endpoint", url, modelName: name, apiKey } as const;
      const endpoint = await openEndpoint(spec, { log: deps.log, limits: deps.limits ?? {} }, signal);
      return {
        foreign,
        endpoint,
        isHealthy: (asking) => answersHealth({ url, apiKey }, asking),
        post: (path, asking) => post(`${url}${path}`, { url, apiKey }, asking),
        async [Symbol.asyncDispose]() {
          await endpoint[Symbol.asyncDispose]();
          await foreign[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await foreign[Symbol.asyncDispose]();
      if (signal.aborted) throw abortError(signal);
      if (tries === MAX_PORTS || !isPortTaken(foreign.lastWords())) throw error;
      deps.log.info("port was taken, another is tried", { port });
    }
  }
}

/** What is known better here than by its endpoint. */
export interface OwnEngine extends Pick<Engine, "device" | "held" | "reported"> {
  readonly title: string;
  readonly model: ModelInfo;
  readonly use: "write" | "embed";
}

/**
 * The engine of a server that runs. Writers show first that they write one token. A server that falls silent later is ended, which is
 * heard as `gone`. Throws TandemError timeout where nothing comes.
 */
export async function ownEngine(
  running: Running,
  own: OwnEngine,
  { log, probeMs }: OwnServerDeps,
  signal: AbortSignal,
): Promise<Engine> {
  const { endpoint, foreign } = running;
  let isDisposed = false;
  let hung: string | null = null;
  const gone = Promise.withResolvers<string>();
  const explain = async (error: unknown) => (isDisposed ? error : explained(error, own.title, gone.promise));
  const watched = { log, use: own.use, isHealthy: running.isHealthy, explain };
  const pulse = createPulse(endpoint, probeMs === undefined ? watched : { ...watched, probeMs });
  if (own.use === "write") await pulse.probe(signal);
  void pulse.stopped.then(async (why) => {
    if (isDisposed) return;
    log.error(`${own.title} hangs and is ended`, { pid: foreign.pid, why });
    hung = why;
    await foreign[Symbol.asyncDispose]();
  });
  // Not before its process is no more: whoever is loaded next counts on its memory.
  void foreign.gone.then((end) => {
    if (isDisposed) return;
    if (hung === null) log.error(`${own.title} died`, { pid: foreign.pid, ...end, lastWords: foreign.lastWords() });
    gone.resolve(hung ?? howItEnded(end));
  });
  return {
    model: { ...own.model, contextTokens: endpoint.model.contextTokens },
    device: own.device,
    slots: endpoint.slots,
    pid: foreign.pid,
    generate: pulse.generate,
    // One model is all it was started with.
    serves: [],
    relay: pulse.relay,
    embed: own.use === "embed" ? pulse.embed : null,
    gone: gone.promise,
    held: own.held,
    trim: null,
    ...(endpoint.settle && { settle: endpoint.settle }),
    placement: null,
    ...(own.reported && { reported: own.reported }),
    async [Symbol.asyncDispose]() {
      isDisposed = true;
      await running[Symbol.asyncDispose]();
    },
  };
}

/**
 * A connection that breaks because the server behind it has ended is told as that: nobody has a log of a server of ours. One that is refused
 * says so by itself, since nothing but its end closes the door of a server that was ready. Told when the end is known, so that who runs it
 * again at once has it started anew.
 */
async function explained(error: unknown, title: string, gone: Promise<string>): Promise<unknown> {
  // Settings say how patient others' endpoints are waited for; ours is looked after, and started anew where it hangs.
  if (error instanceof TandemError && error.code === "timeout" && error.details?.limit !== "total")
    return new TandemError("timeout", error.message, "Run it again; try a smaller selection or a smaller model", {
      cause: error,
      details: { ...error.details },
    });
  const isShut = isRefused(error);
  if (!isShut && !brokeOff(error)) return error;
  const settled = new AbortController();
  const how = await Promise.race([gone, wait(ENDING_MS, null, { signal: settled.signal }).catch(() => null)]);
  settled.abort();
  if (how === null && !isShut) return error;
  const what = `${title} ${isShut ? "has ended" : "ended while it answered"}`;
  const message = how === null ? what : `${what} (${how})`;
  return new TandemError("provider", message, "Run it again: it is started anew", {
    cause: error,
    details: { isDown: true },
  });
}

interface Waiting {
  readonly url: string;
  readonly apiKey: string;
  readonly foreign: Foreign;
  readonly server: OwnServer;
}

/** Resolves when the server says that its model is loaded; throws when it ends before, in its own words. */
async function isReady({ foreign, server, ...at }: Waiting, signal: AbortSignal): Promise<void> {
  const settled = new AbortController();
  const limit = AbortSignal.timeout(server.loadingMs);
  const any = AbortSignal.any([signal, limit, settled.signal]);
  try {
    const end = await Promise.race([foreign.gone, poll(at, any)]);
    if (end !== null) throw server.endedEarly({ words: foreign.lastWords(), how: howItEnded(end) });
  } catch (error) {
    throw limit.aborted && !signal.aborted ? server.notReady() : error;
  } finally {
    settled.abort();
  }
}

interface At {
  readonly url: string;
  readonly apiKey: string;
}

async function poll({ url, apiKey }: At, signal: AbortSignal): Promise<null> {
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

async function answersHealth({ url, apiKey }: At, signal: AbortSignal): Promise<boolean> {
  await using connection = openConnection({ address: parseAddress(url), apiKey, connectMs: CONNECT_MS });
  const any = AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]);
  try {
    const reply = await connection.get(`${url}/health`, any);
    await readShort(reply, any);
    return reply.status === 200;
  } catch {
    // No answer is the answer.
    return false;
  }
}

async function post(target: string, { url, apiKey }: At, signal: AbortSignal): Promise<void> {
  const address = parseAddress(url);
  await using connection = openConnection({ address, apiKey, connectMs: CONNECT_MS });
  const reply = await connection.post(target, {}, signal);
  const body = await readShort(reply, signal);
  if (reply.status !== 200) throw readRefusal({ status: reply.status, body, host: address.host, apiKey }).error;
}

function howItEnded({ exitCode, signal }: ForeignEnd): string {
  return signal === null ? `exit code ${exitCode ?? "unknown"}` : `signal ${signal}`;
}
