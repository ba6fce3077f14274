import { z } from "zod";
import { TandemError } from "../errors.ts";

const MAX_MESSAGE_CHARS = 500;

/** What went wrong, as far as servers say: llama-server, vLLM, Ollama, LM Studio, FastAPI gateways. */
const ErrorFields = z.looseObject({
  message: z.string().optional(),
  type: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  n_prompt_tokens: z.number().optional(),
  n_ctx: z.number().optional(),
});
const ErrorBody = z.union([
  z.object({ error: ErrorFields }).transform((body) => body.error),
  z.object({ error: z.string() }).transform((body) => ({ message: body.error })),
  z.object({ detail: z.string() }).transform((body) => ({ message: body.detail })),
  ErrorFields.required({ message: true }),
]);

/** A server's refusal, read once, so that retries and messages agree on what it says. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly error: TandemError;
}

/** Reads an HTTP error, or an error event in a stream (which then has the status in it, or 500). `apiKey` is cut out of what the server says. */
export function readRefusal(given: { status: number; body: string; host: string; apiKey: string }): Refusal {
  const { status, host } = given;
  const fields = parseFields(given.body);
  const message = tidy(fields.message ?? given.body, given.apiKey);
  return { status, message, error: toError({ status, host, message, fields }) };
}

/** An answer that is not what was asked for, though no refusal either. */
export function brokenAnswer(host: string, what: string): TandemError {
  return new TandemError(
    "provider",
    `The answer of ${host} ${what}`,
    "Look at the server's own log, and check the endpoint's address",
  );
}

/** The status that vLLM and llama-server would have answered, put into an event of a stream; 500 without one. */
export function statusIn(data: unknown): number {
  const code = /"code":(4\d\d|5\d\d)\b/.exec(JSON.stringify(data) ?? "")?.[1];
  return code === undefined ? 500 : Number(code);
}

/** Made once: every event of every stream is asked. */
const ErrorData = z.looseObject({ error: z.union([z.string(), z.looseObject({})]) });

/** Whether an answer's or an event's data says that something failed. */
export function isErrorData(data: unknown): boolean {
  // Hardly any has the field, and a schema that fails is slow.
  return typeof data === "object" && data !== null && "error" in data && ErrorData.safeParse(data).success;
}

function toError(given: {
  status: number;
  host: string;
  message: string;
  fields: z.output<typeof ErrorFields>;
}): TandemError {
  const { status, host, message, fields } = given;
  const said = message === "" ? "" : `: ${message}`;
  if (status === 401 || status === 403)
    return new TandemError(
      "not-configured",
      `${host} refused the API key (HTTP ${status})${said}`,
      "Set the endpoint's key in the apiKey setting",
      { details: { status } },
    );
  if (isContextOverflow(status, message, fields))
    return new TandemError(
      "context-length",
      `The prompt does not fit the model's context${said}`,
      "Select less code, or start the server with a larger context",
      { details: { status, promptTokens: fields.n_prompt_tokens ?? null, contextTokens: fields.n_ctx ?? null } },
    );
  if (status === 404 && /model/i.test(message))
    return new TandemError(
      "model-unavailable",
      `${host} does not have the model${said}`,
      "Set the model setting to a name the endpoint serves, or to auto",
      { details: { status } },
    );
  return new TandemError("provider", `${host} answered HTTP ${status}${said}`, nextStepFor(status), {
    details: { status },
  });
}

function isContextOverflow(status: number, message: string, fields: z.output<typeof ErrorFields>): boolean {
  if (fields.type === "exceed_context_size_error" || fields.code === "context_length_exceeded") return true;
  // llama-server's words for a text to embed that is longer than its physical batch.
  if (status === 500 && /too large to process/i.test(message)) return true;
  return status === 400 && /maximum context length|context (length|size|window)/i.test(message);
}

function nextStepFor(status: number): string {
  if (status === 404) return "Check the endpoint's address; it should be an OpenAI-compatible server";
  if (status === 429) return "Wait a moment and run it again";
  if (status >= 500) return "Look at the server's own log, then run it again";
  return "Check the endpoint's address and the model's name";
}

function parseFields(body: string): z.output<typeof ErrorFields> {
  const json = parseJson(body);
  const parsed = ErrorBody.safeParse(json);
  return parsed.success ? parsed.data : {};
}

/** The value, or undefined when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function tidy(text: string, apiKey: string): string {
  const safe = apiKey === "" ? text : text.replaceAll(apiKey, "…");
  // A web page instead of JSON says nothing worth repeating.
  if (/^\s*</.test(safe)) return "";
  const line = safe.replace(/\s+/g, " ").trim();
  return line.length > MAX_MESSAGE_CHARS ? `${line.slice(0, MAX_MESSAGE_CHARS)}…` : line;
}
