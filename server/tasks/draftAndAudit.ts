import { expectedCharacters } from "../core/audit/expected.ts";
import { createPacer, type KnownSpeeds } from "../core/audit/pacer.ts";
import { hopeless, inWords } from "../core/audit/verdicts.ts";
import { lexisOf } from "../core/brackets.ts";
import { createCutter } from "../core/cut.ts";
import type { LanguageFacts } from "../core/languages.ts";
import type { DraftJob } from "../core/prompt.ts";
import type { Verdict } from "../core/prompts/verdict.ts";
import { lineBreakOf, withBreaks } from "../core/text.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Action, AuditSummary, Timing } from "../protocol/run.ts";
import type { Emit } from "../slot/state.ts";
import type { Audited } from "./audit.ts";
import { type Auditing, beginAudit } from "./auditing.ts";
import type { Auditor } from "./auditor.ts";
import type { Carried } from "./carried.ts";
import { createDesk } from "./desk.ts";
import { type Ending, endOf } from "./ending.ts";
import type { Inspected } from "./inspect.ts";
import { stoppable } from "./stoppable.ts";
import { type WriteInput, type Written, write } from "./write.ts";

export interface DraftAndAuditInput {
  readonly action: Action;
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
  /** Whether the draft can be used, which its audit does not wait for. */
  readonly inspect: (written: Written) => Promise<Inspected>;
  /** What is known of how fast the drafter and this auditor are. */
  readonly speeds: (auditor: Auditor | null) => KnownSpeeds;
  /** Whether a hopeless draft is broken off, or written to its end. */
  readonly onHopeless: "stop" | "go on";
  readonly ending: Ending;
  readonly clock: Clock;
  readonly emit: Emit;
}

export interface DraftedAndAudited {
  readonly written: Written;
  readonly inspected: Inspected | { readonly kind: "hopeless"; readonly why: string };
  readonly audited: Audited | null;
  /** Null: nobody audited. */
  readonly summary: Omit<AuditSummary, "restarts" | "repairs"> | null;
  /** Why the audit broke off; the draft stands without it. */
  readonly auditProblem: string | null;
  readonly auditRan: Timing["auditRan"];
  readonly workMs: number;
}

/**
 * Writes the draft on one engine while the other judges the parts that are done. An engine that has one slot and plays
 * both roles audits when the draft is finished.
 */
export async function draftAndAudit(input: DraftAndAuditInput, signal: AbortSignal): Promise<DraftedAndAudited> {
  const { job, sampling, isParsed, clock, emit } = input;
  const startedMs = clock.nowMs();
  const broken = new AbortController();
  const breakOff = (why: string) => broken.abort(new TandemError("cancelled", why, "Nothing to do"));
  const { desk, auditing, drafter, accept, hopelessWhy } = begin(input, AbortSignal.any([signal, broken.signal]));
  const lineBreak = lineBreakOf(job.place?.text ?? "");
  const onText = (text: string) => {
    emit({ kind: "draft", text: withBreaks(text, lineBreak) });
    desk.push(text);
  };
  try {
    const written = await write({ job, sampling, isParsed, drafter, onText, emit }, signal);
    desk.finish();
    input.onDrafted();
    const why = hopelessWhy();
    const inspected = why === null ? await input.inspect(written) : { kind: "hopeless" as const, why };
    let endedBy: AuditSummary["endedBy"] = null;
    if (inspected.kind === "usable") {
      accept();
      if (auditing.state.kind === "open") emit({ kind: "drafted" });
      endedBy = await endOf(auditing, input.ending);
    }
    breakOff(endedBy ?? "the draft is not used");
    await auditing.over;
    throwIfAborted(signal);
    return {
      written,
      inspected,
      ...outcomeOf(auditing, { parts: desk.count, endedBy }),
      workMs: clock.nowMs() - startedMs,
    };
  } finally {
    breakOff("the draft has failed");
    desk.finish();
    input.onDrafted();
    await auditing.over;
  }
}

/** The desk, who takes from it, and who lays on it. */
function begin(input: DraftAndAuditInput, signal: AbortSignal) {
  const { job, action, clock, emit } = input;
  let auditor: Auditor | null = null;
  let written = 0;
  const expected = expectedCharacters(action, job);
  const pacer = createPacer({ known: () => input.speeds(auditor), expected });
  const made = createDesk({ cutter: createCutter(lexisOf(input.facts)), pacer, clock });
  const desk = {
    ...made,
    get count() {
      return made.count;
    },
    push(text: string) {
      written += text.length;
      made.push(text);
    },
  };
  const stop = stoppable(input.drafter);
  const isUsable = Promise.withResolvers<void>();
  const verdicts: Verdict[] = [];
  let why: string | null = null;
  const onVerdict = (verdict: Verdict) => {
    verdicts.push(verdict);
    // A stand-in's verdicts are not worth a draft.
    if (input.onHopeless === "go on" || auditor?.lease.engine.model.isTrial) return;
    const errors = hopeless(verdicts, written / expected);
    if (errors === null || !stop.stop()) return;
    why = inWords(errors);
  };
  const onAuditor = (it: Auditor) => {
    auditor = it;
  };
  const given = { job, desk, auditor: input.auditor, isUsable: isUsable.promise, onAuditor, onVerdict, clock, emit };
  const auditing = beginAudit(given, signal);
  return { desk, auditing, drafter: stop.carried, accept: isUsable.resolve, hopelessWhy: () => why };
}

function outcomeOf(auditing: Auditing, { parts, endedBy }: { parts: number; endedBy: AuditSummary["endedBy"] }) {
  const { state } = auditing;
  if (state.kind === "none") return { audited: null, summary: null, auditProblem: null, auditRan: null };
  const { audited, ran } = state;
  const summary = {
    parts,
    audited: (audited?.parts ?? 0) - (audited?.unclear ?? 0),
    unclear: audited?.unclear ?? 0,
    finalPass: audited?.finalPass ?? null,
    endedBy: state.kind === "failed" ? ("failure" as const) : endedBy,
  };
  return { audited, summary, auditProblem: state.kind === "failed" ? state.why : null, auditRan: audited && ran };
}
