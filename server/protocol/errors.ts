import { z } from "zod";

/**
 * Every failure a user can act on. The code is stable; the message says what happened; `nextStep` what to do.
 * - bad-request      the parameters do not have the published shape
 * - bad-input        the file or selection cannot be worked on (binary, empty, too large, does not parse)
 * - not-configured   nothing is set up that could answer
 * - model-unavailable the model cannot be had or loaded
 * - provider         the engine or endpoint answered with an error, or broke off; `details.reason` "preempted": the turn was ended for more
 *                    urgent work, and the next one goes on
 * - timeout          no answer in time
 * - context-length   the prompt does not fit the model's context
 * - no-space         the disk is full, or nearly
 * - no-memory        the model does not fit in memory
 * - disabled         the engine or feature is switched off, by the user or by its circuit breaker; `details.retryAfterMs` says for how long
 * - unusable-draft   the model's text is not an edit that parses
 * - cancelled        the user or a client stopped it
 * - shutting-down    the orchestrator is leaving
 */
export const ErrorCode = z.enum([
  "bad-request",
  "bad-input",
  "not-configured",
  "model-unavailable",
  "provider",
  "timeout",
  "context-length",
  "no-space",
  "no-memory",
  "disabled",
  "unusable-draft",
  "cancelled",
  "shutting-down",
]);
export type ErrorCode = z.output<typeof ErrorCode>;

/** The `data` of a JSON-RPC error response. */
export const ErrorData = z.object({
  code: ErrorCode,
  nextStep: z.string(),
  isRetryable: z.boolean(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorData = z.output<typeof ErrorData>;

/** JSON-RPC's code for our errors, inside the range LSP leaves to servers; cancellation uses LSP's own -32800. */
export const TANDEM_ERROR = -32050;
