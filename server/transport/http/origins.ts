import type { IncomingMessage, ServerResponse } from "node:http";

/** How long a browser may remember what it was told. */
const MAX_AGE_S = 600;

/** Lets a page of an allowed origin read the answers. For everyone else there is no such header, ever. */
export function allowPage({ headers }: IncomingMessage, response: ServerResponse, allowed: readonly string[]): void {
  const { origin } = headers;
  if (allowed.length > 0) response.setHeader("vary", "origin");
  if (origin === undefined || !allowed.includes(origin)) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-expose-headers", "*");
}

/** A browser asks before it sends a page's request. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && "access-control-request-method" in headers;
}

/** Answers a preflight of an allowed origin. */
export function answerPreflight({ headers }: IncomingMessage, response: ServerResponse): void {
  response.setHeader("access-control-allow-methods", "GET, POST");
  // The key's header must be named; `*` does not stand for it.
  response.setHeader(
    "access-control-allow-headers",
    headers["access-control-request-headers"] ?? "authorization, content-type",
  );
  response.setHeader("access-control-max-age", String(MAX_AGE_S));
  response.writeHead(204).end();
}
