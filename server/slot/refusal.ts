import type { GovernEffect } from "../core/govern/event.ts";
import { TandemError } from "../errors.ts";
import type { Ask, Slot } from "./state.ts";

/** What a request fails with that the governor refuses. A load that failed says so in its own words. */
export function refusalOf(effect: Extract<GovernEffect, { kind: "refuse" }>, ask: Ask): unknown {
  const { why, message, nextStep } = effect;
  const cause = [ask.slot, ...ask.others].map((it) => it.fault).find((it) => it !== null) ?? undefined;
  switch (why) {
    case "too-many":
      // As a server says it that has too much to do.
      return new TandemError("provider", message, nextStep, { details: { status: 429 } });
    case "no-memory":
      return new TandemError("no-memory", message, ask.slot.prepared?.waysToFit() ?? nextStep, { cause });
    case "load-failed":
      return cause ?? new TandemError("model-unavailable", message, nextStep);
  }
}

/** What a turn ends with that more urgent work needs: `isPreempted` knows it. */
export function preempted({ place }: Slot, why: string): TandemError {
  return new TandemError(
    "provider",
    `${place.expected.label} gave way to more urgent work: ${why}`,
    "Run it again: it goes on when that is done",
    { isRetryable: true, details: { reason: "preempted" } },
  );
}

/** What everybody hears who waits when the orchestrator leaves. */
export function leaving(): TandemError {
  return new TandemError("shutting-down", "The engines are being closed", "Run it again");
}
