import { applied, keepDoc, objection, syntaxFindings, toEdit } from "../core/accept.ts";
import { estimateTokens, TEMPERATURE } from "../core/prompt.ts";
import { draftJob } from "../core/prompts/job.ts";
import type { Refusal } from "../core/refusal.ts";
import { isAudited, type Route, route } from "../core/route.ts";
import { targetRange } from "../core/target.ts";
import { describeTarget, type Task, understand } from "../core/task.ts";
import { slice } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import type { Clock, Files, Log, Outline, Syntax } from "../ports.ts";
import type { RunParams, RunResult } from "../protocol/run.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Lease } from "../slot/slot.ts";
import type { Emit } from "../slot/state.ts";
import { findCompanion } from "./companion.ts";
import { type DraftedAndAudited, draftAndAudit } from "./draftAndAudit.ts";
import { timing } from "./timing.ts";

export interface RunDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly syntax: Syntax;
  readonly files: Files;
  readonly scheduler: Scheduler;
  readonly settings: Settings;
}

/** A draft that cannot be used is written anew, a little less predictably, this often in all. */
const MOST_ATTEMPTS = 3;
const WARMER_PER_ATTEMPT = 0.25;
const NO_OUTLINE: Outline = { isKnown: false, declarations: [], errors: [] };

/** The main job. */
export async function run(params: RunParams, deps: RunDeps, emit: Emit, signal: AbortSignal): Promise<RunResult> {
  const { clock, syntax, scheduler, settings } = deps;
  const startedMs = clock.nowMs();
  const { document } = params;
  const outline = document ? await syntax.outline(document.text, document.languageId) : NO_OUTLINE;
  const task = granted(understand(params, outline));
  emit({
    kind: "classified",
    action: task.action,
    tier: task.tier,
    confidence: task.confidence,
    why: task.why,
    target: describeTarget(task.target),
  });
  const classifiedMs = clock.nowMs();

  const plan = route({
    tier: task.tier,
    isAudited: isEditing(task) && isAudited(task.tier, settings.auditWhen),
    ...sizes(task, settings),
    engines: scheduler.snapshot(),
  });
  if (!plan)
    throw new TandemError(
      "not-configured",
      "No engine is set up",
      "Leave tandem.draft.model at auto, or give an endpoint",
    );
  emit({ kind: "routed", draft: plan.draft, audit: plan.audit, candidates: [...plan.candidates], why: plan.why });
  deps.log.info("routed", {
    action: task.action,
    tier: task.tier,
    draft: plan.draft.engine,
    audit: plan.audit?.engine,
    why: plan.why,
  });
  const routedMs = clock.nowMs();

  const notices: string[] = [];
  const notice = (message: string) => {
    notices.push(message);
    emit({ kind: "notice", message });
  };
  const done = new AbortController();
  const drafter = scheduler.acquire(plan.draft.engine, emit, signal);
  const auditLease = auditor(plan, drafter, deps, emit, notice, AbortSignal.any([signal, done.signal]));
  try {
    using draftLease = await drafter;
    const acquiredMs = clock.nowMs();
    if (draftLease.engine.model.isTrial) notice(TRIAL);
    const outcome = await attempts({ task, params, deps, draftLease, auditLease, emit, notice }, signal);
    const marks = { startedMs, classifiedMs, routedMs, acquiredMs, endedMs: clock.nowMs() };
    return { ...outcome.result, notices, timing: timing(marks, outcome.worked) };
  } finally {
    done.abort(new TandemError("cancelled", "The draft is done", "Nothing to do"));
    (await auditLease)?.[Symbol.dispose]();
  }
}

interface Attempting {
  readonly task: Task;
  readonly params: RunParams;
  readonly deps: RunDeps;
  readonly draftLease: Lease;
  readonly auditLease: Promise<Lease | null>;
  readonly emit: Emit;
  readonly notice: (message: string) => void;
}

type Untimed<R> = R extends unknown ? Omit<R, "timing" | "notices"> : never;
interface Outcome {
  readonly result: Untimed<RunResult>;
  readonly worked: DraftedAndAudited;
}

/** Drafts until one can be offered. Prose is always taken; an edit must parse. */
async function attempts(input: Attempting, signal: AbortSignal): Promise<Outcome> {
  const { task, params, deps, draftLease, emit, notice } = input;
  const { engine } = draftLease;
  const companion = task.action === "test" ? await findCompanion(task, params.unsaved, deps.files) : null;
  const job = granted(draftJob(task, engine.model, companion, deps.settings.maxTokens));
  let problem = "";
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    if (attempt > 1) emit({ kind: "retry", attempt, why: problem });
    const sampling = {
      temperature: TEMPERATURE[task.action] + (attempt - 1) * WARMER_PER_ATTEMPT,
      topP: 0.95,
      seed: attempt,
    };
    const worked = await draftAndAudit(
      { job, sampling, facts: task.facts, draftLease, auditLease: input.auditLease, clock: deps.clock, emit },
      signal,
    );
    const { written, audited, auditProblem } = worked;
    if (auditProblem) notice(`The audit broke off: ${auditProblem}`);
    if (audited && audited.unclear > 0)
      notice(`${audited.unclear} of ${audited.parts} parts got no clear verdict from ${audited.use.model.label}`);
    const findings = [...(audited?.findings ?? [])];
    if (!job.place) {
      if (written.written.trim() !== "")
        return { result: { kind: "answer", action: task.action, markdown: written.draft, findings }, worked };
      problem = "the model wrote nothing";
      continue;
    }
    const place = keepDoc(task, job.place, written.draft);
    const edit = toEdit(place, written.draft);
    const before =
      place.text === task.document?.text ? task.outline : await deps.syntax.outline(place.text, place.languageId);
    const after = await deps.syntax.outline(applied(place, edit), place.languageId);
    const judged = { task, place, edit, written: written.written, before, after, isCutOff: written.isCutOff };
    const why = objection(judged);
    if (!why)
      return { result: { kind: "edit", action: task.action, edits: [edit], draft: edit.after, findings }, worked };
    for (const finding of syntaxFindings(judged)) emit({ kind: "finding", finding });
    problem = why;
  }
  throw new TandemError(
    "unusable-draft",
    `No usable draft in ${MOST_ATTEMPTS} attempts; the last one: ${problem}`,
    better(engine.model.isTrial),
  );
}

/** The auditor's lease; its engine loads beside the drafter's. An auditor that cannot be had costs the audit, not the draft. */
async function auditor(
  plan: Route,
  drafter: Promise<Lease>,
  deps: RunDeps,
  emit: Emit,
  notice: (message: string) => void,
  signal: AbortSignal,
): Promise<Lease | null> {
  if (!plan.audit) return null;
  try {
    if (plan.audit.engine === plan.draft.engine) {
      const draftLease = await drafter;
      if (draftLease.engine.slots < 2) return { ...draftLease, [Symbol.dispose]: () => undefined };
    }
    return await deps.scheduler.acquire(plan.audit.engine, emit, signal);
  } catch (error) {
    if (!signal.aborted) notice(`No audit: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

const TRIAL =
  "This model is a 2-bit stand-in for trying Tandem out: trust neither its code nor its verdicts. `tandem models` lists better ones; any GGUF works with --model file:PATH";

function better(isTrial: boolean): string {
  return isTrial
    ? "Run it again, or use a coding model: see `tandem models`, or give any GGUF with --model file:PATH"
    : "Run it again, say more precisely what you want, or select less";
}

function isEditing(task: Task): boolean {
  return task.action !== "explain" && task.action !== "ask";
}

function sizes(task: Task, settings: Settings): { promptTokens: number; outputTokens: number } {
  const range = targetRange(task.target);
  const code = task.document && range ? estimateTokens(slice(task.document.text, range)) : 0;
  return { promptTokens: code + 500, outputTokens: Math.min(settings.maxTokens, Math.max(64, Math.ceil(code * 1.2))) };
}

function granted<T extends { kind: string }>(value: T | Refusal): Exclude<T, Refusal> {
  if (value.kind === "refused") {
    const { code, message, nextStep } = value as Refusal;
    throw new TandemError(code, message, nextStep);
  }
  return value as Exclude<T, Refusal>;
}

/** The signal of one task: the client's, and the ceiling of the settings. */
export function withCeiling(signal: AbortSignal, settings: Settings): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutS * 1000)]);
}
