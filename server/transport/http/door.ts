import { createSecureContext } from "node:tls";
import Fastify, { type FastifyInstance } from "fastify";
import { TandemError } from "../../errors.ts";
import type { Session } from "../../handlers.ts";
import type { Log } from "../../ports.ts";
import type { EngineStatus } from "../../protocol/status.ts";
import type { Tallied } from "../../tally.ts";
import { type BindAddress, bindAddress, inUrl } from "./address.ts";
import { hasKey, keyRefusal } from "./admit.ts";
import { readJsonBodies } from "./body.ts";
import { answerFailures } from "./failure.ts";
import { type HttpLimits, LIMITS } from "./limits.ts";
import { createListener } from "./listener.ts";
import { addRoutes } from "./routes.ts";
import { createRunning } from "./running.ts";

export interface HttpOptions {
  /** An address of this machine, or its name. Beyond loopback it takes TLS or `isPlainAllowed`. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** The key of this moment: asked for at each request, so that a new one counts at once. */
  readonly key: () => string | Promise<string>;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly isPlainAllowed: boolean;
  /** Names beside the address under which clients may ask. */
  readonly allowedHosts: readonly string[];
  /** Web pages that may ask. */
  readonly allowedOrigins: readonly string[];
  readonly limits?: Partial<HttpLimits>;
}

export interface HttpDeps {
  /** Whose settings and engines all clients of this door use. */
  readonly session: Session;
  readonly version: string;
  readonly log: Log;
  readonly status: () => { readonly engines: readonly EngineStatus[]; readonly isDraining: boolean };
  /** What was counted since the orchestrator began. */
  readonly tally: () => Tallied;
}

/** What is broken off has so long to say so to its client. */
const LAST_WORDS_MS = 500;

/** Disposing takes no new requests, lets running ones finish for a while, then cancels them. */
export interface HttpDoor extends AsyncDisposable {
  /** `http://127.0.0.1:8765`, without a path. */
  readonly url: string;
  readonly port: number;
  /** Cancels running requests now; their clients are told that the orchestrator leaves. */
  breakOff(): void;
}

/** Listens for OpenAI's requests and bare calls to a model. Throws TandemError: not-configured (unsafe, or the port is taken), bad-input. */
export async function openHttp(options: HttpOptions, deps: HttpDeps): Promise<HttpDoor> {
  const bind = await bindAddress(options.host);
  requireSafe(options, bind);
  requireReadable(options.tls);
  const limits = { ...LIMITS, ...options.limits };
  let isLeaving = false;
  const rules = {
    allowedHosts: [...options.allowedHosts, options.host].map((it) => it.toLowerCase()),
    allowedOrigins: options.allowedOrigins,
  };
  const app = Fastify({
    serverFactory: (handler) =>
      createListener({ limits, rules, tls: options.tls, isLeaving: () => isLeaving }, handler),
    logger: false,
    return503OnClosing: false,
    routerOptions: { maxParamLength: limits.headerBytes },
    frameworkErrors: (error, request, reply) => void app.errorHandler(error, request, reply),
  });
  const running = createRunning(limits.running);
  answerFailures(app, limits, deps.log);
  readJsonBodies(app, limits);
  app.addHook("onRequest", async (request, reply) => {
    const { access = "key" } = request.routeOptions.config;
    const isOpen = access === "all" || (access === "listing" && bind.isLoopback && !hasKey(request.headers));
    const refused = isOpen ? null : keyRefusal(request.headers, await options.key());
    if (refused) throw refused;
    if (request.method === "POST") running.enter(reply.raw);
  });
  await addRoutes(app, { ...deps, limits, running });
  await listen(app, bind, options.port);
  const { port } = app.server.address() as { port: number };
  const url = `${options.tls ? "https" : "http"}://${inUrl(bind.address)}:${port}`;
  deps.log.info("http door open", { url, isLoopback: bind.isLoopback });
  const breakOff = () =>
    running.breakOff(new TandemError("shutting-down", "The orchestrator is leaving", "Ask again in a moment"));
  return {
    url,
    port,
    breakOff,
    async [Symbol.asyncDispose]() {
      isLeaving = true;
      const closed = app.close();
      await running.empty(limits.drainMs);
      breakOff();
      await running.empty(LAST_WORDS_MS);
      app.server.closeAllConnections();
      await closed;
    },
  };
}

function requireSafe({ host, tls, isPlainAllowed }: HttpOptions, { isLoopback }: BindAddress): void {
  if (isLoopback || tls || isPlainAllowed) return;
  throw new TandemError(
    "not-configured",
    `${host} can be reached from other machines, and without TLS the key and all code would be readable on the way`,
    "Give a certificate with --tls-cert and --tls-key, stay with 127.0.0.1, or allow it with --allow-plain where the network is trusted",
  );
}

/** What OpenSSL says of a file that is none of its own tells a user nothing. */
function requireReadable(tls: HttpOptions["tls"]): void {
  if (!tls) return;
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new TandemError(
      "bad-input",
      "The certificate and the key cannot be used for TLS, or do not belong together",
      "Give a certificate (or a chain) and its private key, without a passphrase, as PEM files",
      { cause },
    );
  }
}

async function listen(app: FastifyInstance, bind: BindAddress, port: number): Promise<void> {
  try {
    await app.listen({ host: bind.address, port });
  } catch (cause) {
    await app.close();
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    const at = `${inUrl(bind.address)}:${port}`;
    if (code === "EADDRINUSE")
      throw new TandemError("not-configured", `${at} is in use by another program`, "Choose another port", { cause });
    if (code === "EACCES")
      throw new TandemError("not-configured", `${at} may not be used`, "Choose a port above 1023", { cause });
    if (code === "EADDRNOTAVAIL")
      throw new TandemError("not-configured", `${at} is not an address of this machine`, "Choose 127.0.0.1", { cause });
    throw cause;
  }
}
