import type { Refusal } from "../core/refusal.ts";
import { TandemError } from "../errors.ts";

/** The value a pure step came to; its refusal becomes the error the user sees. */
export function granted<T extends { readonly kind: string }>(value: T | Refusal): T {
  if (isRefusal(value)) throw refusalError(value);
  return value;
}

/** A refusal as the error it becomes. */
export function refusalError({ code, message, nextStep, details }: Refusal): TandemError {
  return new TandemError(code, message, nextStep, details ? { details } : {});
}

function isRefusal(value: { readonly kind: string }): value is Refusal {
  return value.kind === "refused";
}
