import type { Timing } from "../protocol/run.ts";
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

/** Where the time went. Busy times are what the engines report, never waiting. */
export function timing(marks: Marks, { written, audited, auditRan, workMs }: DraftedAndAudited): Timing {
  const draftMs = written.use.prefillMs + written.use.decodeMs;
  const auditMs = audited && audited.parts > 0 ? audited.use.prefillMs + audited.use.decodeMs : null;
  return {
    totalMs: marks.endedMs - marks.startedMs,
    classifyMs: marks.classifiedMs - marks.startedMs,
    routeMs: marks.routedMs - marks.classifiedMs,
    acquireMs: marks.acquiredMs - marks.routedMs,
    workMs,
    draft: written.use,
    audit: audited?.use ?? null,
    overlap: auditMs === null || auditMs === 0 ? null : overlap(draftMs, auditMs, workMs),
    hasLoaded: marks.hasLoaded,
    auditRan,
  };
}

/** (D + A - T) / min(D, A): 1 when the shorter one cost no time at all, 0 when they ran one after the other. */
export function overlap(draftMs: number, auditMs: number, workMs: number): number {
  return (draftMs + auditMs - workMs) / Math.min(draftMs, auditMs);
}
