import { findNamed } from "../core/openai/named.ts";
import { estimateTokens } from "../core/prompt.ts";
import { isAudited, route } from "../core/route/decide.ts";
import { recordOf } from "../core/route/record.ts";
import type { Route, RouteInput } from "../core/route.ts";
import { targetRange } from "../core/target.ts";
import type { Task } from "../core/task.ts";
import { slice } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Emit } from "../slot/state.ts";
import type { RunDeps } from "./deps.ts";

/** What stands around the code in a prompt: instructions, the file's surroundings. Enough for a comparison of engines. */
const PROMPT_OVERHEAD_TOKENS = 500;
const LEAST_OUTPUT_TOKENS = 64;

/** Who drafts and who audits this task, as things are; emits `routed`. Throws TandemError not-configured. */
export function planned(task: Task, { scheduler, settings, log, note, draw }: RunDeps, emit: Emit): Route {
  const isEditing = task.action !== "explain" && task.action !== "ask";
  const snapshot = scheduler.snapshot();
  const named = task.model === null ? null : findNamed(snapshot, task.model, "write");
  const input: RouteInput = {
    tier: task.tier,
    isAudited: isEditing && isAudited(task.tier, settings.auditWhen),
    ...sizes(task, settings),
    // The model that a rule names does all of the task.
    engines: named ? [{ ...named, roles: ["draft", "audit"] }] : snapshot,
    draw: draw(),
  };
  const plan = route(input);
  if (!plan)
    throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
  const { draft, audit, candidates } = plan;
  const isMissing = task.model !== null && named === null;
  const why = isMissing ? `${plan.why}; no engine has "${task.model}", which your rule names` : plan.why;
  note?.(recordOf(input, plan));
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
