import type { AuditSummary } from "../protocol/run.ts";
import type { Auditing } from "./auditing.ts";

/** What ends an audit whose draft is done, before it is done itself. */
export interface Ending {
  /** Fires when the client takes the draft as it is, which may be before there is one. */
  readonly accepted: AbortSignal;
  /** How long the draft waits for its audit. */
  readonly auditSeconds: number;
}

/** Waits for the audit's end, or what comes before it; null: it came to its own end. */
export async function endOf(auditing: Auditing, ending: Ending): Promise<AuditSummary["endedBy"]> {
  const { accepted, auditSeconds } = ending;
  const { promise, resolve } = Promise.withResolvers<AuditSummary["endedBy"]>();
  const onAccepted = () => resolve("accepted");
  accepted.addEventListener("abort", onAccepted, { once: true });
  const timer = setTimeout(() => resolve("time"), auditSeconds * 1_000);
  // What is done already is not ended.
  void auditing.over.then(() => resolve(null));
  await Promise.resolve();
  if (accepted.aborted) onAccepted();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    accepted.removeEventListener("abort", onAccepted);
  }
}
