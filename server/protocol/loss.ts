import type { AnyRequest, EventOf } from "./define.ts";

/** A request whose answer will not come, because the orchestrator has gone. */
export interface LostRequest {
  readonly definition: Pick<AnyRequest, "afterLoss">;
  /** How often it was sent so far. */
  readonly sent: number;
  /** How long it had been with the orchestrator that went, in milliseconds. */
  readonly ranMs: number;
  /** Characters of text that had come back. */
  readonly receivedChars: number;
}

/** What its sender does: send it to the next orchestrator, telling the user what was lost, or give it up, telling why. */
export type LossVerdict =
  | { readonly kind: "resend"; readonly why: string }
  | { readonly kind: "give-up"; readonly why: string };

/** A request that was there at two deaths is likely their cause … */
const MOST_SENT = 2;
/** … unless it had been there so long that it was not: an HTTP door is held open for days. */
const INNOCENT_MS = 60_000;

/** `reason`: how the orchestrator ended, as a clause. */
export function afterLoss({ definition, sent, ranMs, receivedChars }: LostRequest, reason: string): LossVerdict {
  const lost =
    receivedChars === 0
      ? "nothing had come back yet"
      : receivedChars === 1
        ? "1 character of its answer is lost"
        : `${receivedChars} characters of its answer are lost`;
  const happened = `The orchestrator stopped (${reason}); ${lost}`;
  if (definition.afterLoss === "never") return { kind: "give-up", why: happened };
  if (sent >= MOST_SENT && ranMs < INNOCENT_MS)
    return { kind: "give-up", why: `${happened}, for the second time in a row` };
  if (definition.afterLoss === "resend") return { kind: "resend", why: `${happened}, and the request was sent again` };
  return receivedChars === 0
    ? { kind: "resend", why: `${happened}, and the request was sent again` }
    : { kind: "give-up", why: happened };
}

/** What tells whoever listens to a request that it was sent again and that what came before no longer counts; null where it has no such event. */
export function resendEvent<R extends AnyRequest>(definition: R, attempt: number, why: string): EventOf<R> | null {
  return definition.event.safeParse({ kind: "retry", attempt, why }).data ?? null;
}
