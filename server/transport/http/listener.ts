import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { type GuardRules, notAllowed, strangerRefusal, wireRefusal } from "./guard.ts";
import type { HttpLimits } from "./limits.ts";
import { allowPage, answerPreflight, isPreflight } from "./origins.ts";
import { rawAnswer, sendRefused } from "./raw.ts";
import { Refused, tooLarge } from "./refused.ts";

export interface ListenerOptions {
  readonly limits: HttpLimits;
  readonly rules: GuardRules;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** The door is closing: what comes now is turned away. */
  readonly isLeaving: () => boolean;
}

/** How often Node looks for connections that are too slow. */
const CHECK_MS = 1_000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Node's server with the door's limits, and the guard in front of `handler`: nothing gets past it, known paths or not. */
export function createListener(options: ListenerOptions, handler: RequestListener): Server {
  const { limits, tls } = options;
  const exchanges = new WeakMap<Duplex, Set<Exchange>>();
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    track(exchanges, { request, response });
    cutOffWhenUnread(response, limits.unreadMs);
    serve(request, response, options, handler);
  };
  const settings = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersMs),
    // A missing Host is refused by the guard, in the same shape as a wrong one.
    requireHostHeader: false,
    insecureHTTPParser: false,
  };
  const server = tls
    ? createTlsServer({ ...settings, ...tls, handshakeTimeout: limits.headersMs, minVersion: "TLSv1.2" }, onRequest)
    : createServer(settings, onRequest);
  // Counted in bytes already; a header beyond a count would be dropped unseen, and it may be the one the guard looks for.
  server.maxHeadersCount = 0;
  server.maxConnections = limits.connections;
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("connect", ({ method = "" }: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => undefined);
    finish(socket, rawAnswer(notAllowed(method, "GET, HEAD, POST")));
  });
  server.on("clientError", (error: Error & { code?: string }, socket: Duplex) => {
    const isClean = isFreeToAnswer(exchanges.get(socket));
    if (error.code === "ECONNRESET" || !socket.writable || !isClean) socket.destroy();
    else finish(socket, rawAnswer(refusedFor(error.code)));
  });
  return server;
}

function serve(request: IncomingMessage, response: ServerResponse, options: ListenerOptions, handler: RequestListener) {
  const { rules } = options;
  for (const [name, value] of Object.entries(SAFE_HEADERS)) response.setHeader(name, value);
  const stranger = strangerRefusal(request, rules);
  if (!stranger) allowPage(request, response, rules.allowedOrigins);
  const isAsking = !stranger && isPreflight(request);
  const refused = stranger ?? (isAsking ? null : (wireRefusal(request) ?? stateRefusal(request, options)));
  if (refused) sendRefused(request, response, refused);
  else if (isAsking) answerPreflight(request, response);
  else {
    // Only now is the client told to send a body that it held back.
    if (request.headers.expect !== undefined) response.writeContinue();
    handler(request, response);
  }
}

function stateRefusal({ headers }: IncomingMessage, { limits, isLeaving }: ListenerOptions): Refused | null {
  if (isLeaving())
    return new Refused(503, "shutting_down", "The server is leaving. Try again in a moment", {
      headers: { "retry-after": "1", connection: "close" },
    });
  return Number(headers["content-length"] ?? 0) > limits.bodyBytes ? tooLarge(limits.bodyBytes) : null;
}

/** The answers are data for programs: no page may embed, guess at or keep them. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

function track(exchanges: WeakMap<Duplex, Set<Exchange>>, exchange: Exchange): void {
  const { socket } = exchange.request;
  const open = exchanges.get(socket) ?? new Set();
  exchanges.set(socket, open.add(exchange));
  exchange.response.once("close", () => open.delete(exchange));
}

/** Whether what is written to a connection now can only be taken for the answer to the request that is broken. */
function isFreeToAnswer(open: ReadonlySet<Exchange> | undefined): boolean {
  const [first, ...more] = open ?? [];
  if (!first) return true;
  return more.length === 0 && !first.request.complete && !first.response.headersSent;
}

/** A client that takes nothing of its answer for a while is let go. Nothing to take is no reason. */
function cutOffWhenUnread(response: ServerResponse, unreadMs: number): void {
  response.setTimeout(unreadMs, () => {
    if ((response.socket?.writableLength ?? 0) > 0) response.destroy();
  });
}

function refusedFor(code: string | undefined): Refused {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new Refused(408, "request_timeout", "The request came too slowly");
  if (code === "HPE_HEADER_OVERFLOW") return new Refused(431, "headers_too_large", "The headers are too long");
  return new Refused(400, "bad_http", "This is not an HTTP request");
}

function finish(socket: Duplex, text: string): void {
  socket.end(text, () => socket.destroy());
}
