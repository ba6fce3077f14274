import { type DraftJob, linesBefore } from "../core/prompt.ts";
import type { Verdict } from "../core/prompts/verdict.ts";
import { offsetAt } from "../core/text.ts";
import { aborted } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Timing } from "../protocol/run.ts";
import type { Emit } from "../slot/state.ts";
import { type Audited, type AuditSoFar, audit } from "./audit.ts";
import type { Auditor } from "./auditor.ts";
import type { Desk } from "./desk.ts";

export interface AuditingInput {
  readonly job: DraftJob;
  readonly desk: Desk;
  /** The auditor once it is loaded; null when there is no audit or it could not be had. */
  readonly auditor: Promise<Auditor | null>;
  /** Resolves when the draft is written and can be used. */
  readonly isUsable: Promise<void>;
  readonly onAuditor: (auditor: Auditor) => void;
  readonly onVerdict: (verdict: Verdict) => void;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** An audit under way. Nothing of it is thrown: what fails it leaves the draft as it is. */
export interface Auditing {
  /** Resolves when nothing more is to come. */
  readonly over: Promise<void>;
  readonly state: AuditState;
}

export type AuditState =
  /** It goes on, or was broken off by its signal. */
  | { readonly kind: "open"; readonly audited: Audited | null; readonly ran: Timing["auditRan"] }
  /** There is no auditor. */
  | { readonly kind: "none" }
  | { readonly kind: "done"; readonly audited: Audited | null; readonly ran: Timing["auditRan"] }
  | {
      readonly kind: "failed";
      readonly audited: Audited | null;
      readonly ran: Timing["auditRan"];
      readonly why: string;
    };

/** How much of the code before the draft an auditor is shown. */
const CONTEXT_CHARACTERS = 1_200;

/** Begins to audit what will be on the desk, as soon as there is an auditor. */
export function beginAudit(input: AuditingInput, signal: AbortSignal): Auditing {
  let soFar: AuditSoFar | null = null;
  let ran: Timing["auditRan"] = null;
  let end: { readonly kind: "none" | "done" } | { readonly kind: "failed"; readonly why: string } | null = null;

  async function all(): Promise<void> {
    try {
      // Where the draft has failed nobody waits for it.
      const auditor = await Promise.race([input.auditor, aborted(signal)]);
      if (!auditor) {
        end = { kind: "none" };
        return;
      }
      input.onAuditor(auditor);
      // It has one turn for both: the audit is not worth one while the draft is not.
      if (auditor.isShared) await Promise.race([input.isUsable, aborted(signal)]);
      ran = auditor.isShared ? "after" : "beside";
      soFar = audit(given(input, auditor), signal);
      await soFar.done;
      end = { kind: "done" };
    } catch (error) {
      if (!signal.aborted) end = { kind: "failed", why: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    over: all(),
    get state(): AuditState {
      const audited = soFar?.now ?? null;
      if (end === null) return { kind: "open", audited, ran };
      return end.kind === "none" ? { kind: "none" } : { ...end, audited, ran };
    },
  };
}

function given({ job, desk, onVerdict, emit }: AuditingInput, { carried, isShared }: Auditor) {
  const { place } = job;
  const context = place ? linesBefore(place.text, offsetAt(place.text, place.range.start), CONTEXT_CHARACTERS) : "";
  return {
    ...{ auditor: carried, brief: job.brief, context, parts: desk.parts, onVerdict, emit },
    reads: isShared ? ("afterwards" as const) : ("ahead" as const),
  };
}
