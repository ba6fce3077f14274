import { errorsOf, inWords, isBetter } from "../core/audit/verdicts.ts";
import { type Companion, type DraftJob, TEMPERATURE } from "../core/prompt.ts";
import { draftJob } from "../core/prompts/job.ts";
import { withFindings, withObjection } from "../core/prompts/retry.ts";
import type { Task } from "../core/task.ts";
import { lineBreakOf, withBreaks } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import type { RunResult } from "../protocol/run.ts";
import type { FileEdit } from "../protocol/source.ts";
import type { Emit } from "../slot/state.ts";
import type { Auditor } from "./auditor.ts";
import type { Carried } from "./carried.ts";
import type { RunDeps } from "./deps.ts";
import { type DraftAndAuditInput, type DraftedAndAudited, draftAndAudit } from "./draftAndAudit.ts";
import type { Ending } from "./ending.ts";
import { granted } from "./granted.ts";
import { inspect } from "./inspect.ts";

export interface DraftingInput {
  readonly task: Task;
  readonly companion: Companion | null;
  readonly deps: Pick<RunDeps, "syntax" | "settings" | "clock">;
  readonly draft: Carried;
  readonly auditor: Promise<Auditor | null>;
  readonly speeds: DraftAndAuditInput["speeds"];
  readonly ending: Ending;
  /** Called when a draft is written, or has failed. */
  readonly onDrafted: () => void;
  readonly emit: Emit;
  readonly notice: (message: string) => void;
}

type Untimed<R> = R extends unknown ? Omit<R, "timing" | "notices"> : never;

export interface Outcome {
  readonly result: Untimed<RunResult>;
  /** Every draft that was begun, the one that was kept among them. */
  readonly worked: readonly DraftedAndAudited[];
}

/** A draft that cannot be used is written anew, a little less predictably, this often in all. */
const MOST_ATTEMPTS = 3;
const WARMER_PER_ATTEMPT = 0.25;

const BETTER_MODEL =
  "Run it again, or use a coding model: see `tandem models`, or give any GGUF with --model file:PATH";
const BETTER_REQUEST = "Run it again, say more precisely what you want, or select less";

/** A draft that can be offered, with what it changes. */
interface Usable {
  readonly worked: DraftedAndAudited;
  readonly edit: FileEdit | null;
}

/** Drafts until a draft can be offered, and mends it once where that is wanted and the audit found errors. */
export async function draftUntilUsable(input: DraftingInput, signal: AbortSignal): Promise<Outcome> {
  const { task, companion, deps, draft } = input;
  const { model } = draft.lease.engine;
  const job = granted(draftJob(task, { model, companion, maxTokens: deps.settings.maxTokens }));
  const drafting = createDrafting(input, signal);
  const first = await drafting.until(job);
  const mended = await mend(input, { job, first, drafting });
  const { kept, repairs } = mended ?? { kept: first, repairs: 0 };
  return { result: resultOf(task, kept, { restarts: drafting.restarts(), repairs }), worked: drafting.worked };
}

interface Drafting {
  /** Drafts that were begun. */
  readonly worked: DraftedAndAudited[];
  readonly restarts: () => number;
  /** Writes until one can be used. */
  until(job: DraftJob): Promise<Usable>;
  /** Writes one more for that reason; null: it cannot be used. */
  once(job: DraftJob, why: string): Promise<Usable | null>;
}

function createDrafting(input: DraftingInput, signal: AbortSignal): Drafting {
  const { task, deps, draft, auditor, speeds, ending, onDrafted, emit, notice } = input;
  const worked: DraftedAndAudited[] = [];
  let restarts = 0;

  async function write(job: DraftJob, onHopeless: DraftAndAuditInput["onHopeless"]): Promise<DraftedAndAudited> {
    const nth = worked.length;
    const temperature = TEMPERATURE[task.action] + nth * WARMER_PER_ATTEMPT;
    const sampling = { temperature, topP: 0.95, seed: nth + 1 };
    const look = (written: DraftedAndAudited["written"]) => inspect(input, job, written);
    const engines = { drafter: draft, auditor, speeds, ending, onDrafted, onHopeless };
    const about = { action: task.action, job, sampling, facts: task.facts, isParsed: task.outline.isKnown };
    const done = await draftAndAudit({ ...about, ...engines, inspect: look, clock: deps.clock, emit }, signal);
    worked.push(done);
    sayOfAudit(done, { notice, auditSeconds: ending.auditSeconds });
    return done;
  }

  return {
    worked,
    restarts: () => restarts,
    async until(job) {
      let problem = "";
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; ) {
        if (worked.length > 0) emit({ kind: "retry", attempt: worked.length + 1, why: problem });
        const asked = withObjection(job, problem);
        // Once: an auditor that finds everything hopeless must not keep anybody from his draft. And only where the drafter can be told why.
        const onHopeless = restarts === 0 && withObjection(job, "it") !== job ? "stop" : "go on";
        const done = await write(asked, onHopeless);
        if (done.inspected.kind === "usable") return { worked: done, edit: done.inspected.edit };
        problem = done.inspected.why;
        if (done.inspected.kind === "hopeless") {
          restarts++;
          problem = `the audit found errors early on: ${problem}`;
        } else attempt++;
      }
      const message = `No usable draft in ${MOST_ATTEMPTS} attempts; the last one: ${problem}`;
      throw new TandemError(
        "unusable-draft",
        message,
        draft.lease.engine.model.isTrial ? BETTER_MODEL : BETTER_REQUEST,
      );
    },
    async once(job, why) {
      emit({ kind: "retry", attempt: worked.length + 1, why });
      const done = await write(job, "go on");
      return done.inspected.kind === "usable" ? { worked: done, edit: done.inspected.edit } : null;
    },
  };
}

interface Mending {
  readonly job: DraftJob;
  readonly first: Usable;
  readonly drafting: Drafting;
}

/** Null: there is nothing to mend, nobody who could, or it is not wanted. */
async function mend({ deps, ending, auditor, emit, notice }: DraftingInput, { job, first, drafting }: Mending) {
  const { written, audited, summary } = first.worked;
  const errors = errorsOf(audited?.findings ?? []);
  if (deps.settings.repair === "never" || errors.length === 0 || ending.accepted.aborted) return null;
  const again = withFindings(job, written.written, errors);
  if (again === null || (await auditor)?.lease.engine.model.isTrial) return null;
  const second = await drafting.once(again, `to mend what the audit found: ${inWords(errors)}`);
  const judgement = ({ worked }: Usable) => ({
    findings: worked.audited?.findings ?? [],
    isComplete: worked.summary !== null && worked.summary.endedBy === null && worked.summary.unclear === 0,
  });
  if (second && isBetter(judgement(second), judgement(first))) {
    const left = errorsOf(second.worked.audited?.findings ?? []).length;
    notice(`Written anew after the audit: ${counted(errors.length)} before, ${left === 0 ? "none" : left} now`);
    return { kept: second, repairs: 1 };
  }
  const why = second ? "it has no fewer errors" : "the new one cannot be used";
  emit({ kind: "retry", attempt: drafting.worked.length + 1, why: `the first draft is kept: ${why}` });
  emit({ kind: "draft", text: withBreaks(written.draft, lineBreakOf(job.place?.text ?? "")) });
  for (const finding of audited?.findings ?? []) emit({ kind: "finding", finding });
  notice(
    `Written anew after the audit (${counted(errors.length)} in ${summary?.parts ?? 1} parts), but the first draft is kept: ${why}`,
  );
  return { kept: first, repairs: 1 };
}

function counted(errors: number): string {
  return errors === 1 ? "1 error" : `${errors} errors`;
}

function resultOf(
  { action }: Task,
  { worked, edit }: Usable,
  counts: { restarts: number; repairs: number },
): Untimed<RunResult> {
  const { written, audited, summary } = worked;
  const findings = [...(audited?.findings ?? [])];
  const audit = summary && { ...summary, ...counts };
  const shared = { action, findings, audit, seams: [...written.seams], cloud: null };
  if (edit) return { kind: "edit", edits: [edit], draft: edit.after, ...shared };
  return { kind: "answer", markdown: written.draft, ...shared };
}

interface Told {
  readonly notice: (message: string) => void;
  readonly auditSeconds: number;
}

function sayOfAudit({ audited, summary, auditProblem }: DraftedAndAudited, { notice, auditSeconds }: Told): void {
  if (auditProblem) notice(`The audit broke off: ${auditProblem}`);
  if (summary?.endedBy === "time")
    notice(
      `The audit was ended ${auditSeconds} s after the draft was done: ${summary.audited} of ${summary.parts} parts were audited`,
    );
  if (!audited || audited.unclear === 0) return;
  notice(`${audited.unclear} of ${audited.parts} parts got no clear verdict from ${audited.use.model.label}`);
}
