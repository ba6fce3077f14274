import type { KnownSpeeds } from "../core/audit/pacer.ts";
import { describeTarget, type Task, understand } from "../core/task.ts";
import { TandemError } from "../errors.ts";
import type { Outline } from "../ports.ts";
import type { RunParams, RunResult } from "../protocol/run.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import type { Auditor } from "./auditor.ts";
import type { Carried } from "./carried.ts";
import { findCompanion } from "./companion.ts";
import type { RunDeps } from "./deps.ts";
import { draftUntilUsable } from "./draftUntilUsable.ts";
import { granted } from "./granted.ts";
import { createMark, taskLeave } from "./leave.ts";
import { planned } from "./planning.ts";
import { gather } from "./team.ts";
import { timing } from "./timing.ts";
import { withCeiling } from "./withCeiling.ts";

const NO_OUTLINE: Outline = { isKnown: false, declarations: [], errors: [] };
const TRIAL =
  "This model is a 2-bit stand-in for trying Tandem out: trust neither its code nor its verdicts. Better: a model that `tandem models` lists, any GGUF as the model file:PATH, or an endpoint";

/** The main job. */
export async function run(params: RunParams, deps: RunDeps, tell: Emit, signal: AbortSignal): Promise<RunResult> {
  const loads = watchLoads(tell);
  const { emit, ...mark } = createMark(loads.emit);
  const { clock, scheduler } = deps;
  using ticket = params.ticket === undefined ? null : (deps.tickets?.open(params.ticket) ?? null);
  const startedMs = clock.nowMs();
  const task = await understood(params, deps, emit);
  const classifiedMs = clock.nowMs();
  const cloud = await taskLeave(task, params.unsaved, deps);
  const plan = planned(task, { ...deps, cloud }, emit);
  const routedMs = clock.nowMs();

  const notices: string[] = [];
  const notice = (message: string) => {
    notices.push(message);
    emit({ kind: "notice", message });
  };
  const done = new AbortController();
  const drafted = Promise.withResolvers<void>();
  const { hear, ...waits } = hearing(emit);
  const wanted = { plan, task, cloud, ...waits, hear, isDrafted: drafted.promise, deps, emit, notice };
  const { auditor, ...team } = gather(wanted, signal, done.signal);
  try {
    using draft = await team.draft;
    const acquiredMs = clock.nowMs();
    if (draft.lease.engine.model.isTrial) notice(TRIAL);
    const companion = task.action === "test" ? await findCompanion(task, params.unsaved, deps.files) : null;
    const ending = { accepted: ticket?.accepted ?? NEVER, auditSeconds: deps.settings.auditSeconds };
    const engines = { draft, auditor, speeds: speedsOf(scheduler, draft) };
    const drafting = { task, companion, deps, ...engines, ending, onDrafted: drafted.resolve, emit, notice };
    using ceiling = withCeiling(signal, deps.settings);
    const outcome = await draftUntilUsable(drafting, ceiling.signal);
    const marks = { startedMs, classifiedMs, routedMs, acquiredMs, endedMs: clock.nowMs(), hasLoaded: loads.any() };
    return { ...outcome.result, cloud: mark.host(), notices, timing: timing(marks, outcome.worked) };
  } finally {
    done.abort(new TandemError("cancelled", "The draft is done", "Nothing to do"));
    (await auditor)?.[Symbol.dispose]();
  }
}

const NEVER = new AbortController().signal;

/** What is known of the engines' speeds at the moment; the auditor's is measured when it reads the task. */
function speedsOf(scheduler: Scheduler, draft: Carried) {
  return (auditor: Auditor | null): KnownSpeeds => {
    const views = scheduler.snapshot();
    const of = (id: string | undefined) => views.find((it) => it.id === id);
    const [drafting, auditing] = [of(draft.lease.id), of(auditor?.lease.id)];
    return {
      draftPerSecond: drafting?.decodePerSecond ?? drafting?.known?.decodePerSecond ?? null,
      readPerSecond: auditing?.prefillPerSecond ?? auditing?.known?.prefillPerSecond ?? null,
      verdictPerSecond: auditing?.decodePerSecond ?? auditing?.known?.decodePerSecond ?? null,
    };
  };
}

/** Whether anything has to be loaded, whoever of the task it is for. */
function watchLoads(tell: Emit) {
  let isAny = false;
  const emit: Emit = (event) => {
    isAny ||= event.kind === "loading";
    tell(event);
  };
  return { emit, any: () => isAny };
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
