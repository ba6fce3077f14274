import type { FastifyInstance } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { TandemError } from "../../errors.ts";
import type { Log } from "../../ports.ts";
import { type OpenAiError, toOpenAiError } from "../../protocol/openaiError.ts";
import { notAllowed } from "./guard.ts";
import type { HttpLimits } from "./limits.ts";
import { Refused, tooLarge } from "./refused.ts";

/** Every failure in OpenAI's shape, unknown paths and methods too. */
export function answerFailures(app: FastifyInstance, limits: HttpLimits, log: Log): void {
  const methods = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    methods.set(url, known);
    for (const it of [method].flat()) known.add(it);
  });
  app.setNotFoundHandler((request) => {
    const path = request.url.split("?")[0] ?? "";
    const allowed = methods.get(path) ?? methods.get(path.replace(/^\/v1\/models\/.+/, "/v1/models/*"));
    if (allowed) throw notAllowed(request.method, [...allowed].join(", "));
    throw new Refused(404, "unknown_url", `There is no ${request.method} ${path}. /openapi.json lists what there is`);
  });
  app.setErrorHandler((error, request, reply) => {
    const isTooLarge = error instanceof Error && "code" in error && error.code === "FST_ERR_CTP_BODY_TOO_LARGE";
    const known = isTooLarge ? tooLarge(limits.bodyBytes) : error;
    const { status, headers, body } = failureOf(known, request.routeOptions.url ?? "unknown", log);
    void reply.code(status).headers(headers).send(body);
  });
}

/** The one place where an error becomes an answer. What happened is logged without what the client or a backend wrote. */
export function failureOf(error: unknown, route: string, log: Log): OpenAiError {
  const refused = toRefused(error);
  if (refused) {
    log.debug("http refused", { route, status: refused.status, code: refused.code });
    return { status: refused.status, headers: refused.headers, body: refused.body() };
  }
  if (error instanceof TandemError) {
    const failure = toOpenAiError({ message: error.message, ...error.toData() });
    if (error.code !== "cancelled")
      log.warn("http request failed", { route, status: failure.status, code: error.code });
    return failure;
  }
  log.error("bug", { route, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  const message = "Tandem failed unexpectedly. Look into its log, and report it";
  return {
    status: 500,
    headers: {},
    body: { error: { message, type: "server_error", param: null, code: "internal_error" } },
  };
}

/** What the door itself, or Fastify under it, turns down; null for anything else. */
function toRefused(error: unknown): Refused | null {
  if (error instanceof Refused) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first, ...more] = error.validation;
    const param = paramOf(first?.instancePath ?? "");
    const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
    const message = `${param === null ? "" : `${param}: `}${first?.message ?? "does not fit"}${others}`;
    return new Refused(400, "invalid_value", message, { param });
  }
  if (!(error instanceof Error && "code" in error)) return null;
  switch (error.code) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new Refused(415, "bad_content_type", "Send JSON, with `Content-Type: application/json`");
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new Refused(400, "bad_json", "The body is not JSON");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new Refused(400, "bad_http", "The body broke off");
    case "FST_ERR_BAD_URL":
      return new Refused(400, "bad_target", "The request's path cannot be read");
    case "ECONNRESET":
      // The client left while it was sending; nobody reads this.
      return "statusCode" in error ? new Refused(400, "bad_http", "The body broke off") : null;
    default:
      return null;
  }
}

/** `/messages/0/content` as OpenAI writes it: `messages[0].content`. */
function paramOf(path: string): string | null {
  const param = path
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, "[$1]")
    .replaceAll("/", ".");
  return param === "" ? null : param;
}
