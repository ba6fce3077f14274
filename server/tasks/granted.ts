import type { Refusal } from "../core/refusal.ts";
import { TandemError } from "../errors.ts";

/** The value a pure step came to; its refusal becomes the error the user sees. */
export function granted<T extends { readonly kind: string }>(value: T | Refusal): T {
  if (isRefusal(value)) throw new TandemError(value.code, value.message, value.nextStep);
  return value;
}

function isRefusal(value: { readonly kind: string }): value is Refusal {
  return value.kind === "refused";
}
