import type { Timing } from "../protocol/run.ts";
import { sum } from "./audit.ts";
import type { DraftedAndAudited } from "./draftAndAudit.ts";

export interface Marks {
  readonly startedMs: number;
  readonly classifiedMs: number;
  readonly routedMs: number;
  readonly acquiredMs: number;
  readonly endedMs: number;
  /** A model had to be loaded first. */
  readonly hasLoaded: boolean;
}

/**
 * Where the time went, in all drafts that were begun. Busy times are what the engines report, never waiting; of what was broken off, what
 * was seen of it.
 */
export function timing(marks: Marks, worked: readonly DraftedAndAudited[]): Timing {
  const drafts = worked.map((it) => it.written.use);
  const audits = worked.flatMap((it) => it.audited?.use ?? []);
  const [lastDraft, lastAudit] = [drafts.at(-1), audits.at(-1)];
  if (!lastDraft) throw new Error("no draft was begun");
  const draft = sum(drafts, lastDraft);
  const audit = lastAudit ? sum(audits, lastAudit) : null;
  const workMs = worked.reduce((total, it) => total + it.workMs, 0);
  const hasVerdict = worked.some((it) => (it.audited?.parts ?? 0) > 0);
  const [draftMs, auditMs] = [draft, audit].map((it) => (it ? it.prefillMs + it.decodeMs : 0));
  return {
    totalMs: marks.endedMs - marks.startedMs,
    classifyMs: marks.classifiedMs - marks.startedMs,
    routeMs: marks.routedMs - marks.classifiedMs,
    acquireMs: marks.acquiredMs - marks.routedMs,
    workMs,
    draft,
    audit,
    overlap: hasVerdict && draftMs && auditMs ? overlap(draftMs, auditMs, workMs) : null,
    hasLoaded: marks.hasLoaded,
    auditRan: worked.findLast((it) => it.auditRan !== null)?.auditRan ?? null,
  };
}

/** (D + A - T) / min(D, A): 1 when the shorter one cost no time at all, 0 when they ran one after the other. */
export function overlap(draftMs: number, auditMs: number, workMs: number): number {
  return (draftMs + auditMs - workMs) / Math.min(draftMs, auditMs);
}
