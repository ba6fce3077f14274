import { z } from "zod";
import type { ErrorCode, ErrorData } from "./errors.ts";

/** The body of a refusal in OpenAI's API. */
export const OpenAiErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});
export type OpenAiErrorBody = z.output<typeof OpenAiErrorBody>;

/** An answer that says what went wrong. */
export interface OpenAiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OpenAiErrorBody;
}

/** A failure of ours: a TandemError's message and what its `toData` says. */
export interface Failure extends ErrorData {
  readonly message: string;
}

/** What `details` may hold that a client of OpenAI's API can be told. */
const Details = z.looseObject({
  /** The HTTP status that a server behind an endpoint answered. */
  status: z.int().optional().catch(undefined),
  /** And what it said. */
  body: z.unknown().optional(),
  /** The parameter that is at fault. */
  param: z.string().nullable().optional().catch(undefined),
  /** Nobody knows a model of this name, as against one that cannot be had at the moment. */
  isUnknown: z.boolean().optional().catch(undefined),
  /** The engine is not there or has ended, as against one that answered nonsense. */
  isDown: z.boolean().optional().catch(undefined),
  /** Milliseconds after which asking again makes sense. */
  retryAfterMs: z.number().min(0).optional().catch(undefined),
});
type Details = z.output<typeof Details>;

/** What servers say, as far as it is in OpenAI's shape. */
const Said = z.object({
  error: z.looseObject({
    message: z.string(),
    type: z.string().nullish().catch(null),
    param: z.string().nullish().catch(null),
    code: z.union([z.string(), z.number()]).nullish().catch(null),
  }),
});

const STATUS: Readonly<Record<ErrorCode, number>> = {
  "bad-request": 400,
  "bad-input": 400,
  "not-configured": 503,
  "model-unavailable": 503,
  provider: 502,
  timeout: 504,
  "context-length": 413,
  "no-space": 507,
  "no-memory": 507,
  disabled: 503,
  "unusable-draft": 502,
  // Nobody reads this one: it is the client who left. nginx's number, for logs.
  cancelled: 499,
  "shutting-down": 503,
};
const RETRY_AFTER_S = 1;

/** A failure as OpenAI's API would say it, next step included. Its clients decide by the status and the headers whether to ask again. */
export function toOpenAiError(failure: Failure): OpenAiError {
  const details = Details.parse(failure.details ?? {});
  const upstream = upstreamStatus(failure, details);
  if (upstream !== null) return fromUpstream(failure, details, upstream);
  const status = statusFor(failure, details);
  return {
    status,
    headers: headersFor(failure, details, status),
    body: bodyOf({
      message: withNextStep(failure.message, failure.nextStep),
      type: errorTypeOf(status),
      param: details.param ?? (status === 404 ? "model" : null),
      code: codeOf(failure.code, details),
    }),
  };
}

/** HTTP's words for it (RFC 9110, section 15.6): 503 is over in a while, 502 is an answer that nobody can use. */
function statusFor({ code }: Failure, { isUnknown, isDown, status }: Details): number {
  if (code === "model-unavailable" && isUnknown) return 404;
  if (code === "provider" && (isDown || status === 503)) return 503;
  return STATUS[code];
}

/** The status of a server that turned the request itself down; null for faults of the server or of Tandem's own key. */
function upstreamStatus({ code }: Failure, { status }: Details): number | null {
  return code === "provider" && status !== undefined && status >= 400 && status < 500 ? status : null;
}

/** What the server said about the request is what the client has to read. */
function fromUpstream(failure: Failure, details: Details, status: number): OpenAiError {
  const said = Said.safeParse(details.body);
  const { message, type, param, code } = said.success ? said.data.error : { message: failure.message };
  return {
    status,
    headers: headersFor(failure, details, status),
    body: bodyOf({
      message: withNextStep(message, failure.nextStep),
      type: type ?? errorTypeOf(status),
      param: param ?? details.param ?? null,
      // llama-server repeats the status here.
      code: typeof code === "string" ? code : codeOf(failure.code, details),
    }),
  };
}

/**
 * When to ask again: as the engine says, or as its circuit breaker does. `x-should-retry` is what OpenAI's own clients read before they ask
 * again, as they else do after every 5xx.
 */
function headersFor({ isRetryable, code }: Failure, { retryAfterMs }: Details, status: number): Record<string, string> {
  if (retryAfterMs !== undefined && (status === 429 || status === 503))
    return { "retry-after": String(Math.max(RETRY_AFTER_S, Math.ceil(retryAfterMs / 1_000))) };
  const isPassing = code === "shutting-down" || (code === "provider" && status === 503);
  if (isPassing || status === 429) return { "retry-after": String(RETRY_AFTER_S) };
  return status >= 500 && !isRetryable ? { "x-should-retry": "false" } : {};
}

function codeOf(code: ErrorCode, { isUnknown }: Details): string {
  if (code === "context-length") return "context_length_exceeded";
  if (code === "model-unavailable" && isUnknown) return "model_not_found";
  return code.replaceAll("-", "_");
}

/** The kind that OpenAI's API gives a refusal with this status. */
export function errorTypeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}

function withNextStep(message: string, nextStep: string): string {
  return /[.!?]$/.test(message) ? `${message} ${nextStep}` : `${message}. ${nextStep}`;
}

function bodyOf(error: OpenAiErrorBody["error"]): OpenAiErrorBody {
  return { error };
}
