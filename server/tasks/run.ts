import { findNamed } from "../core/openai/named.ts";
import { estimateTokens } from "../core/prompt.ts";
import { isAudited, type Route, route } from "../core/route.ts";
import { targetRange } from "../core/target.ts";
import { describeTarget, type Task, understand } from "../core/task.ts";
import { slice } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import type { Outline } from "../ports.ts";
import type { RunParams, RunResult } from "../protocol/run.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Emit } from "../slot/state.ts";
import { acquireAuditor } from "./auditor.ts";
import { findCompanion } from "./companion.ts";
import type { RunDeps } from "./deps.ts";
import { draftUntilUsable } from "./draftUntilUsable.ts";
import { granted } from "./granted.ts";
import { timing } from "./timing.ts";
import { withCeiling } from "./withCeiling.ts";

/** What stands around the code in a prompt: instructions, the file's surroundings. Enough for a comparison of engines. */
const PROMPT_OVERHEAD_TOKENS = 500;
const LEAST_OUTPUT_TOKENS = 64;
const NO_OUTLINE: Outline = { isKnown: false, declarations: [], errors: [] };
const TRIAL =
  "This model is a 2-bit stand-in for trying Tandem out: trust neither its code nor its verdicts. Better: a model that `tandem models` lists, any GGUF as the model file:PATH, or an endpoint";

/** The main job. */
export async function run(params: RunParams, deps: RunDeps, emit: Emit, signal: AbortSignal): Promise<RunResult> {
  const { clock, scheduler } = deps;
  const startedMs = clock.nowMs();
  const task = await understood(params, deps, emit);
  const classifiedMs = clock.nowMs();
  const plan = routed(task, deps, emit);
  const routedMs = clock.nowMs();

  const notices: string[] = [];
  const notice = (message: string) => {
    notices.push(message);
    emit({ kind: "notice", message });
  };
  const done = new AbortController();
  const drafted = Promise.withResolvers<void>();
  const { hear, ...waits } = hearing(emit);
  const drafter = scheduler.acquire(plan.draft.engine, hear, signal);
  const auditing = { plan, drafter, ...waits, isDrafted: drafted.promise, scheduler, emit, notice };
  const auditor = acquireAuditor(auditing, AbortSignal.any([signal, done.signal]));
  try {
    using draftLease = await drafter;
    const acquiredMs = clock.nowMs();
    if (draftLease.engine.model.isTrial) notice(TRIAL);
    const companion = task.action === "test" ? await findCompanion(task, params.unsaved, deps.files) : null;
    const drafting = { task, companion, deps, draftLease, auditor, onDrafted: drafted.resolve, emit, notice };
    const outcome = await draftUntilUsable(drafting, withCeiling(signal, deps.settings));
    const marks = { startedMs, classifiedMs, routedMs, acquiredMs, endedMs: clock.nowMs() };
    return { ...outcome.result, notices, timing: timing(marks, outcome.worked) };
  } finally {
    done.abort(new TandemError("cancelled", "The draft is done", "Nothing to do"));
    (await auditor)?.[Symbol.dispose]();
  }
}

/** What the auditor has to know of the drafter's waiting. */
function hearing(emit: Emit) {
  const queued = Promise.withResolvers<void>();
  const short = Promise.withResolvers<void>();
  const hear: Emit = (event) => {
    emit(event);
    if (event.kind !== "waiting") return;
    queued.resolve();
    if (event.why !== undefined) short.resolve();
  };
  return { hear, isDraftShort: short.promise, isDraftQueued: queued.promise };
}

async function understood(params: RunParams, { syntax, settings }: RunDeps, emit: Emit): Promise<Task> {
  const { document } = params;
  const outline = document ? await syntax.outline(document.text, document.languageId) : NO_OUTLINE;
  const task = granted(understand(params, outline, settings.rules));
  const { action, tier, confidence, why } = task;
  emit({ kind: "classified", action, tier, confidence, why, target: describeTarget(task.target) });
  return task;
}

function routed(task: Task, { scheduler, settings, log }: RunDeps, emit: Emit): Route {
  const isEditing = task.action !== "explain" && task.action !== "ask";
  const snapshot = scheduler.snapshot();
  const named = task.model === null ? null : findNamed(snapshot, task.model, "write");
  const plan = route({
    tier: task.tier,
    isAudited: isEditing && isAudited(task.tier, settings.auditWhen),
    ...sizes(task, settings),
    // The model that a rule names does all of the task.
    engines: named ? [{ ...named, roles: ["draft", "audit"] }] : snapshot,
  });
  if (!plan)
    throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
  const { draft, audit, candidates } = plan;
  const isMissing = task.model !== null && named === null;
  const why = isMissing ? `${plan.why}; no engine has "${task.model}", which your rule names` : plan.why;
  emit({ kind: "routed", draft, audit, candidates: [...candidates], why });
  log.info("routed", { action: task.action, tier: task.tier, draft: draft.engine, audit: audit?.engine, why });
  return plan;
}

function sizes(task: Task, settings: Settings): { promptTokens: number; outputTokens: number } {
  const range = targetRange(task.target);
  const codeTokens = task.document && range ? estimateTokens(slice(task.document.text, range)) : 0;
  return {
    promptTokens: codeTokens + PROMPT_OVERHEAD_TOKENS,
    outputTokens: Math.min(settings.maxTokens, Math.max(LEAST_OUTPUT_TOKENS, Math.ceil(codeTokens * 1.2))),
  };
}
