import { z } from "zod";
import { ErrorCode, ErrorData } from "../server/protocol/errors.ts";

/** Why a request brought no result. `stopped`: the orchestrator went away; `unexpected`: a bug, in it or in us. */
export type FailureCode = ErrorCode | "stopped" | "unexpected";

/** A failure as the user is told about it: what happened, and what to do next. */
export class TandemFailure extends Error {
  readonly code: FailureCode;
  readonly nextStep: string;
  readonly isRetryable: boolean;
  /** What the orchestrator said besides, for programs. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: FailureCode,
    message: string,
    nextStep: string,
    options: { cause?: unknown; isRetryable?: boolean; details?: Record<string, unknown> | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "TandemFailure";
    this.code = code;
    this.nextStep = nextStep;
    this.isRetryable = options.isRetryable ?? false;
    this.details = options.details;
  }
}

/** JSON-RPC and LSP codes that say the connection or the request is gone, not that the server refused. */
const CONNECTION_GONE: ReadonlySet<number> = new Set([-32_097, -32_096, -32_099]);
const REQUEST_CANCELLED = -32_800;

const RpcError = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() });
/** What finding or starting the orchestrator throws. */
const LocalError = z.object({ code: ErrorCode, message: z.string(), nextStep: z.string() });

/** Whatever a request was rejected with, as a failure. `reason` says why the orchestrator went, where it is known. */
export function failureOf(error: unknown, reason: string | null): TandemFailure {
  if (error instanceof TandemFailure) return error;
  const rpc = RpcError.safeParse(error);
  if (rpc.success) {
    const data = ErrorData.safeParse(rpc.data.data);
    if (data.success) {
      const { code, nextStep, isRetryable, details } = data.data;
      return new TandemFailure(code, rpc.data.message, nextStep, { cause: error, isRetryable, details });
    }
    if (rpc.data.code === REQUEST_CANCELLED) return cancelled(error);
    if (CONNECTION_GONE.has(rpc.data.code)) return stopped(happened(reason), error);
  }
  const local = LocalError.safeParse(error);
  if (local.success) {
    const { code, message, nextStep } = local.data;
    return new TandemFailure(code, message, nextStep, { cause: error, isRetryable: code !== "cancelled" });
  }
  if (reason !== null) return stopped(happened(reason), error);
  const message = rpc.success ? rpc.data.message : error instanceof Error ? error.message : String(error);
  return new TandemFailure("unexpected", `Something went wrong: ${message}`, "See the log; your file is untouched", {
    cause: error,
    isRetryable: true,
  });
}

export function cancelled(cause?: unknown): TandemFailure {
  return new TandemFailure("cancelled", "Cancelled", "Nothing was changed", { cause });
}

/** The orchestrator died under a task, or cannot be reached. `happened` is a sentence without its full stop. */
export function stopped(happened: string, cause?: unknown): TandemFailure {
  return new TandemFailure("stopped", `${happened}; your file is untouched`, "Run it again", {
    cause,
    isRetryable: true,
  });
}

function happened(reason: string | null): string {
  return `The orchestrator stopped${reason ? ` (${reason})` : ""}`;
}
