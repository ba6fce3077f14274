import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EvalMode, Outcome } from "../core/eval/outcome.ts";
import type { Turn } from "../core/eval/plan.ts";
import type { EvalTask } from "../core/eval/task.ts";
import { splice } from "../core/text.ts";
import { grade } from "../eval/grade.ts";
import type { Sandbox } from "../eval/sandbox.ts";
import type { Toolchain } from "../eval/toolchains.ts";
import type { ParamsOf } from "../protocol/define.ts";
import { run } from "../protocol/requests.ts";
import type { RunResult } from "../protocol/run.ts";
import type { Client } from "./client.ts";
import { toFailure } from "./failure.ts";

export interface EvalWork {
  readonly turns: readonly Turn<EvalTask>[];
  /** A connection with the mode's settings. */
  readonly client: (mode: EvalMode) => Promise<Client>;
  readonly toolchain: (task: EvalTask) => Toolchain;
  readonly sandbox: Sandbox;
  /** Hears of each outcome before the next task begins. */
  readonly onOutcome: (outcome: Outcome) => Promise<void>;
}

/** No model wrote anything usable: the user has nothing then, so it counts as not solved. */
const NO_DRAFT: ReadonlySet<string> = new Set(["unusable-draft", "context-length", "timeout"]);
/** So many failures of a mode's engine in a row are no accident. */
const MOST_ERRORS = 3;

/** Every turn in order, until the signal fires. Resolves to the modes that were given up, with what failed last. */
export async function evaluate(work: EvalWork, signal: AbortSignal): Promise<ReadonlyMap<EvalMode, string>> {
  const errors = new Map<EvalMode, number>();
  const givenUp = new Map<EvalMode, string>();
  for (const { task, mode } of work.turns) {
    if (signal.aborted) break;
    if (givenUp.has(mode)) continue;
    const outcome = await attempt({ task, mode }, work, signal);
    if (outcome === null) break;
    await work.onOutcome(outcome);
    const count = outcome.kind === "error" ? (errors.get(mode) ?? 0) + 1 : 0;
    errors.set(mode, count);
    if (count >= MOST_ERRORS) givenUp.set(mode, outcome.why ?? "");
  }
  return givenUp;
}

/** Null: it was stopped. */
async function attempt({ task, mode }: Turn<EvalTask>, work: EvalWork, signal: AbortSignal): Promise<Outcome | null> {
  const startedMs = performance.now();
  const facts = { task: task.id, language: task.language, mode };
  const nothing = { drafter: null, auditor: null, findings: 0, repairs: 0, overlap: null, cloud: null };
  try {
    const client = await work.client(mode);
    const result = await client.send(run, request(task), () => undefined, signal);
    const text = applied(task, result);
    const graded =
      text === null
        ? ({ kind: "no-draft", why: "it answered with words instead of an edit" } as const)
        : await grade({ task, text, toolchain: work.toolchain(task), sandbox: work.sandbox }, signal);
    return { ...facts, ...told(result), kind: graded.kind, why: graded.kind === "passed" ? null : graded.why };
  } catch (error) {
    if (signal.aborted) return null;
    const { code, message } = toFailure(error);
    const ms = performance.now() - startedMs;
    return { ...facts, ...nothing, ms, kind: NO_DRAFT.has(code) ? "no-draft" : "error", why: message };
  }
}

function request(task: EvalTask): ParamsOf<typeof run> {
  return {
    action: task.kind,
    instruction: task.instruction,
    document: { uri: uriOf(task), languageId: task.language, version: null, text: task.text },
  };
}

/** Of a file that is not there: the text goes with the request. */
function uriOf({ id, file }: EvalTask): string {
  return pathToFileURL(join(tmpdir(), "tandem-eval", ...id.split("/"), file)).href;
}

/** The file with the edit; null when there is none for it. */
function applied(task: EvalTask, result: RunResult): string | null {
  if (result.kind !== "edit") return null;
  const edit = result.edits.find((it) => it.uri === uriOf(task));
  return edit ? splice(task.text, edit.range, edit.after) : null;
}

function told({ timing, findings, audit, cloud }: RunResult) {
  return {
    ms: timing.totalMs,
    drafter: timing.draft.model.label,
    auditor: timing.audit?.model.label ?? null,
    findings: findings.filter((it) => it.source === "audit").length,
    repairs: audit?.repairs ?? 0,
    overlap: timing.overlap,
    cloud,
  };
}
