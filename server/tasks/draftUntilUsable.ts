import { applied, keepDoc, objection, syntaxFindings, toEdit } from "../core/accept.ts";
import { type Companion, type Placement, TEMPERATURE } from "../core/prompt.ts";
import { draftJob } from "../core/prompts/job.ts";
import { withObjection } from "../core/prompts/retry.ts";
import type { Task } from "../core/task.ts";
import { TandemError } from "../errors.ts";
import type { RunResult } from "../protocol/run.ts";
import type { Emit } from "../slot/state.ts";
import type { Auditor } from "./auditor.ts";
import type { Carried } from "./carried.ts";
import type { RunDeps } from "./deps.ts";
import { type DraftedAndAudited, draftAndAudit } from "./draftAndAudit.ts";
import { granted } from "./granted.ts";

export interface DraftingInput {
  readonly task: Task;
  readonly companion: Companion | null;
  readonly deps: Pick<RunDeps, "syntax" | "settings" | "clock">;
  readonly draft: Carried;
  readonly auditor: Promise<Auditor | null>;
  /** Called when a draft is written, or has failed. */
  readonly onDrafted: () => void;
  readonly emit: Emit;
  readonly notice: (message: string) => void;
}

type Untimed<R> = R extends unknown ? Omit<R, "timing" | "notices"> : never;

export interface Outcome {
  readonly result: Untimed<RunResult>;
  readonly worked: DraftedAndAudited;
}

/** A draft that cannot be used is written anew, a little less predictably, this often in all. */
const MOST_ATTEMPTS = 3;
const WARMER_PER_ATTEMPT = 0.25;

/** Drafts until a draft can be offered: an edit must parse and be what was asked for, an answer must say something. */
export async function draftUntilUsable(input: DraftingInput, signal: AbortSignal): Promise<Outcome> {
  const { task, companion, deps, draft, auditor, onDrafted, emit, notice } = input;
  const { model } = draft.lease.engine;
  const job = granted(draftJob(task, { model, companion, maxTokens: deps.settings.maxTokens }));
  let problem = "";
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    if (attempt > 1) emit({ kind: "retry", attempt, why: problem });
    const temperature = TEMPERATURE[task.action] + (attempt - 1) * WARMER_PER_ATTEMPT;
    const sampling = { temperature, topP: 0.95, seed: attempt };
    const retried = withObjection(job, problem);
    const shared = { job: retried, sampling, facts: task.facts, drafter: draft, auditor, clock: deps.clock, emit };
    const worked = await draftAndAudit({ ...shared, onDrafted, isParsed: task.outline.isKnown }, signal);
    sayOfAudit(worked, notice);
    const judged = job.place ? await judge(input, job.place, worked) : answer(task, worked);
    if (judged.kind === "usable") return { result: judged.result, worked };
    problem = judged.why;
  }
  const message = `No usable draft in ${MOST_ATTEMPTS} attempts; the last one: ${problem}`;
  throw new TandemError("unusable-draft", message, model.isTrial ? BETTER_MODEL : BETTER_REQUEST);
}

const BETTER_MODEL =
  "Run it again, or use a coding model: see `tandem models`, or give any GGUF with --model file:PATH";
const BETTER_REQUEST = "Run it again, say more precisely what you want, or select less";

type Judged =
  | { readonly kind: "usable"; readonly result: Untimed<RunResult> }
  | { readonly kind: "unusable"; readonly why: string };

async function judge(input: DraftingInput, at: Placement, worked: DraftedAndAudited): Promise<Judged> {
  const { task, deps, emit } = input;
  const { written } = worked;
  const place = keepDoc(task, at, written.draft);
  const isOwnFile = place.uri === task.document?.uri;
  const edit = { ...toEdit(place, written.draft), ...(isOwnFile ? {} : { base: place.text }) };
  const before = isOwnFile ? task.outline : await deps.syntax.outline(place.text, place.languageId);
  const after = await deps.syntax.outline(applied(place, edit), place.languageId);
  const { companion } = input;
  const judged = { task, place, companion, edit, written: written.written, before, after, isCutOff: written.isCutOff };
  const why = objection(judged);
  if (why) {
    for (const finding of syntaxFindings(judged)) emit({ kind: "finding", finding });
    return { kind: "unusable", why };
  }
  const findings = [...(worked.audited?.findings ?? [])];
  const shared = { action: task.action, findings, ...saidOf(worked) };
  return { kind: "usable", result: { kind: "edit", edits: [edit], draft: edit.after, ...shared } };
}

function answer(task: Task, worked: DraftedAndAudited): Judged {
  const { written, audited } = worked;
  if (written.written.trim() === "") return { kind: "unusable", why: "the model wrote nothing" };
  const findings = [...(audited?.findings ?? [])];
  const shared = { action: task.action, findings, ...saidOf(worked) };
  return { kind: "usable", result: { kind: "answer", markdown: written.draft, ...shared } };
}

function saidOf({ written }: DraftedAndAudited) {
  return { audit: null, seams: [...written.seams], cloud: null };
}

function sayOfAudit({ audited, auditProblem }: DraftedAndAudited, notice: (message: string) => void): void {
  if (auditProblem) notice(`The audit broke off: ${auditProblem}`);
  if (!audited || audited.unclear === 0) return;
  notice(`${audited.unclear} of ${audited.parts} parts got no clear verdict from ${audited.use.model.label}`);
}
