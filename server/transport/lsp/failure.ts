import { ErrorCodes, LSPErrorCodes, ResponseError } from "vscode-languageserver-protocol/node";
import { z } from "zod";
import { TandemError } from "../../errors.ts";
import type { Log } from "../../ports.ts";
import { TANDEM_ERROR } from "../../protocol/errors.ts";
import type { ClientInfo } from "../../protocol/handshake.ts";

/** Which request failed, and who is told. */
export interface Asked {
  readonly method: string;
  readonly client: ClientInfo["kind"];
  readonly log: Log;
}

/** The one place where an error becomes an answer. A TandemError is the user's to act on; anything else is a bug. */
export function toResponseError(error: unknown, { method, client, log }: Asked): ResponseError<unknown> {
  if (error instanceof ResponseError) return error;
  if (!(error instanceof TandemError)) {
    log.error("bug", { method, stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    const message = `Tandem failed unexpectedly: ${error instanceof Error ? error.message : String(error)}`;
    return new ResponseError(ErrorCodes.InternalError, message, {
      code: "provider",
      nextStep: "Look into the Tandem log, and report it",
      isRetryable: true,
    });
  }
  if (error.code !== "cancelled")
    log.warn("request failed", { method, code: error.code, message: error.message, cause: causeOf(error) });
  // Other people's editors show the message and nothing else.
  const message = client === "editor" ? `${error.message}. ${error.nextStep}.` : error.message;
  return new ResponseError(codeOf(error), message, error.toData());
}

/** The value in its declared shape; throws the answer to a request that has another. */
export function parsed<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const message = `${where}: ${z.prettifyError(read.error)}`;
  const failure = new TandemError("bad-request", message, "Send what the protocol declares");
  throw new ResponseError(ErrorCodes.InvalidParams, failure.message, failure.toData());
}

/** The orchestrator leaves and began nothing: another one may be asked the same. */
export function notStarted(): TandemError {
  return leaving({ started: false });
}

/** The orchestrator or the client leaves in the middle of the work. */
export function brokenOff(): TandemError {
  return leaving({ started: true });
}

function leaving(details: { started: boolean }): TandemError {
  return new TandemError("shutting-down", "The orchestrator is leaving", "Run it again", { details });
}

function codeOf(error: TandemError): number {
  if (error.code === "cancelled") return LSPErrorCodes.RequestCancelled;
  return error.code === "bad-request" ? ErrorCodes.InvalidParams : TANDEM_ERROR;
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}
