import { lexisOf } from "../core/brackets.ts";
import { createCutter, type Part } from "../core/cut.ts";
import type { LanguageFacts } from "../core/languages.ts";
import type { DraftJob } from "../core/prompt.ts";
import { linesBefore } from "../core/prompt.ts";
import { lineBreakOf, offsetAt, withBreaks } from "../core/text.ts";
import { aborted } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Timing } from "../protocol/run.ts";
import type { Emit } from "../slot/state.ts";
import { type Audited, audit } from "./audit.ts";
import type { Auditor } from "./auditor.ts";
import type { Carried } from "./carried.ts";
import { createChannel } from "./channel.ts";
import { type WriteInput, type Written, write } from "./write.ts";

export interface DraftAndAuditInput {
  readonly job: DraftJob;
  readonly sampling: WriteInput["sampling"];
  readonly facts: LanguageFacts;
  /** A parser will judge the draft. */
  readonly isParsed: boolean;
  readonly drafter: Carried;
  /** The auditor once it is loaded; null when there is no audit or it could not be had. */
  readonly auditor: Promise<Auditor | null>;
  /** Called when the draft is written, or has failed. */
  readonly onDrafted: () => void;
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface DraftedAndAudited {
  readonly written: Written;
  readonly audited: Audited | null;
  /** Why the audit broke off; the draft stands without it. */
  readonly auditProblem: string | null;
  readonly auditRan: Timing["auditRan"];
  readonly workMs: number;
}

/** How much of the code before the draft an auditor is shown. */
const AUDIT_CONTEXT_CHARACTERS = 1_200;

/**
 * Writes the draft on one engine while the other judges the parts that are done. An engine that has one slot and plays
 * both roles audits when the draft is finished.
 */
export async function draftAndAudit(input: DraftAndAuditInput, signal: AbortSignal): Promise<DraftedAndAudited> {
  const { job, sampling, isParsed, drafter, clock, emit } = input;
  const startedMs = clock.nowMs();
  const cutter = createCutter(lexisOf(input.facts));
  const lineBreak = lineBreakOf(job.place?.text ?? "");
  const parts = createChannel<Part>();
  const isDrafted = Promise.withResolvers<void>();
  const onDrafted = () => {
    isDrafted.resolve();
    parts.close();
    input.onDrafted();
  };
  const abandoned = new AbortController();
  const auditing = auditParts(input, parts, isDrafted.promise, AbortSignal.any([signal, abandoned.signal]));
  const onText = (text: string) => {
    emit({ kind: "draft", text: withBreaks(text, lineBreak) });
    for (const part of cutter.push(text)) parts.push(part);
  };
  try {
    const written = await write({ job, sampling, isParsed, drafter, clock, onText, emit }, signal);
    const last = cutter.finish();
    if (last) parts.push(last);
    onDrafted();
    return { written, ...(await auditing), workMs: clock.nowMs() - startedMs };
  } catch (error) {
    abandoned.abort(error);
    onDrafted();
    await auditing;
    throw error;
  }
}

/** Never rejects: an audit that fails leaves the draft as it is. */
async function auditParts(
  input: DraftAndAuditInput,
  parts: AsyncIterable<Part>,
  isDrafted: Promise<void>,
  signal: AbortSignal,
) {
  try {
    // Where the draft has failed nobody waits for it.
    const auditor = await Promise.race([input.auditor, aborted(signal)]);
    if (!auditor) return { audited: null, auditProblem: null, auditRan: null };
    const { lease } = auditor;
    if (auditor.isShared) await isDrafted;
    const place = input.job.place;
    const context = place
      ? linesBefore(place.text, offsetAt(place.text, place.range.start), AUDIT_CONTEXT_CHARACTERS)
      : "";
    const audited = await audit(
      { lease, brief: input.job.brief, context, parts, clock: input.clock, emit: input.emit },
      signal,
    );
    return { audited, auditProblem: null, auditRan: auditor.isShared ? ("after" as const) : ("beside" as const) };
  } catch (error) {
    return { audited: null, auditProblem: error instanceof Error ? error.message : String(error), auditRan: null };
  }
}
