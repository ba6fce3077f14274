import { ResponseError } from "vscode-languageserver-protocol/node";
import { TandemError } from "../errors.ts";
import { ErrorData } from "../protocol/errors.ts";

/** A failure as the command line shows it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
}

export function toFailure(error: unknown): Failure {
  if (error instanceof TandemError) return { code: error.code, message: error.message, nextStep: error.nextStep };
  if (error instanceof ResponseError) {
    const data = ErrorData.safeParse(error.data);
    if (data.success) return { code: data.data.code, message: error.message, nextStep: data.data.nextStep };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "provider",
    message,
    nextStep: "Run it again with TANDEM_LOG_LEVEL=debug and --verbose, and report what it prints",
  };
}
