import type { ErrorCode } from "../protocol/errors.ts";

/** Why a pure step will not go on: an expected "no", which the task turns into an error for the user. */
export interface Refusal {
  readonly kind: "refused";
  readonly code: ErrorCode;
  readonly message: string;
  readonly nextStep: string;
  /** For programs: which parameter is at fault, and the like. */
  readonly details?: Record<string, unknown>;
}

export function refuse(code: ErrorCode, message: string, nextStep: string): Refusal {
  return { kind: "refused", code, message, nextStep };
}

/** The next step where the trial model is not up to the task. */
export const BETTER_MODEL = "Use a coding model: see `tandem models`, or give any GGUF with --model file:PATH";
