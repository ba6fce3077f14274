import type { ErrorCode, ErrorData } from "./protocol/errors.ts";

const RETRYABLE: ReadonlySet<ErrorCode> = new Set([
  "provider",
  "timeout",
  "unusable-draft",
  "model-unavailable",
  "shutting-down",
]);

/** A failure the user can act on: what happened, and what to do next. Anything else thrown is a bug. */
export class TandemError extends Error {
  readonly code: ErrorCode;
  readonly nextStep: string;
  readonly details: Record<string, unknown> | undefined;
  /** Whether the same may work if it is simply tried again. */
  readonly isRetryable: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    nextStep: string,
    options: { cause?: unknown; details?: Record<string, unknown>; isRetryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TandemError";
    this.code = code;
    this.nextStep = nextStep;
    this.details = options.details;
    this.isRetryable = options.isRetryable ?? RETRYABLE.has(code);
  }

  toData(): ErrorData {
    const data: ErrorData = { code: this.code, nextStep: this.nextStep, isRetryable: this.isRetryable };
    return this.details ? { ...data, details: this.details } : data;
  }
}

/** The error a fired signal stands for: a time-out when a timer fired it, else cancellation. */
export function abortError(signal: AbortSignal): TandemError {
  const reason: unknown = signal.reason;
  if (reason instanceof TandemError) return reason;
  if (reason instanceof DOMException && reason.name === "TimeoutError")
    return new TandemError(
      "timeout",
      "No answer in time",
      "Try a smaller selection or a smaller model, or raise tandem.timeoutSeconds",
      { cause: reason },
    );
  return new TandemError("cancelled", "Cancelled", "Run it again when you like; nothing was changed", {
    cause: reason,
  });
}

/** Throws what the signal stands for, if it has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/** Rejects with what the signal stands for, once it fires. */
export function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(abortError(signal));
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return promise;
}

/**
 * A turn that was ended for more urgent work. Nothing is wrong with the engine: who takes the next turn (`Lease.resume`) goes on where he
 * was. Only turns that were offered (`Lease.offer`) end so.
 */
export function isPreempted(error: unknown): error is TandemError {
  return error instanceof TandemError && error.details?.reason === "preempted";
}
