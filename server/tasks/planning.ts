import { ruledEngines } from "../core/openai/ruled.ts";
import { estimateTokens, promptLength } from "../core/prompt.ts";
import { draftJob } from "../core/prompts/job.ts";
import { promptTexts } from "../core/promptTexts.ts";
import { isAudited, route } from "../core/route/decide.ts";
import { recordOf } from "../core/route/record.ts";
import { placeText } from "../core/route/words.ts";
import type { CloudPermission, EngineView, Route, RouteInput, Warmth } from "../core/route.ts";
import { targetRange } from "../core/target.ts";
import type { Task } from "../core/task.ts";
import { slice } from "../core/text.ts";
import { TandemError } from "../errors.ts";
import type { GenerateRequest } from "../ports.ts";
import type { GenerateParams } from "../protocol/generate.ts";
import type { Settings } from "../protocol/settings.ts";
import type { Emit } from "../slot/state.ts";
import type { RunDeps } from "./deps.ts";

/** What stands around the code in a prompt: instructions, the file's surroundings. Enough for a comparison of engines. */
const PROMPT_OVERHEAD_TOKENS = 500;
const LEAST_OUTPUT_TOKENS = 64;

interface PlanDeps extends RunDeps {
  /** Whether the cloud may see the task; null: there is none. */
  readonly cloud: CloudPermission | null;
}

interface GeneratorDeps extends Pick<RunDeps, "scheduler" | "warm" | "draw" | "note" | "log"> {
  readonly emit: Emit;
}

/** Who drafts and who audits this task, as things are; emits `routed`. Throws TandemError not-configured. */
export function planned(task: Task, deps: PlanDeps, emit: Emit): Route {
  const { cloud, scheduler, settings, log, note, draw } = deps;
  const isEditing = task.action !== "explain" && task.action !== "ask";
  const snapshot = scheduler.snapshot();
  const ruling = ruledEngines(snapshot, task.model, cloud);
  const input: RouteInput = {
    tier: task.tier,
    isAudited: isEditing && isAudited(task.tier, settings.auditWhen),
    ...sizes(task, settings),
    engines: ruling.engines,
    cloud,
    draw: draw(),
    ...warmFor(task, snapshot, deps),
  };
  const plan = route(input);
  if (!plan) throw nobody(snapshot, cloud);
  const { draft, audit, candidates } = plan;
  const why = [plan.why, ...ruling.why].join("; ");
  note?.(recordOf(input, plan));
  emit({ kind: "routed", draft, audit, candidates: [...candidates], why });
  log.info("routed", { action: task.action, tier: task.tier, draft: draft.engine, audit: audit?.engine, why });
  return plan;
}

/** No engine may be asked; where one in the cloud could be, why not. */
export function nobody(engines: readonly EngineView[], cloud: CloudPermission | null): TandemError {
  const isKept = engines.some((it) => it.isCloud) && cloud?.isAllowed === false;
  return isKept
    ? new TandemError(
        "not-configured",
        `No engine on this machine can do this, and it stays here: ${cloud.why}`,
        "Set a model of this machine, or look at the settings of the cloud",
      )
    : new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
}

/** Which engine of this role takes one call to a model, as things are; emits `routed`. Throws TandemError not-configured. */
export function generator(
  role: GenerateParams["role"],
  { prompt, maxTokens }: Pick<GenerateRequest, "prompt" | "maxTokens">,
  { scheduler, warm, draw, note, log, emit }: GeneratorDeps,
): string {
  const able = scheduler.snapshot().filter((it) => it.roles.includes(role));
  const input: RouteInput = {
    tier: "moderate",
    isAudited: false,
    promptTokens: promptLength(prompt),
    outputTokens: maxTokens,
    // Who has the role is meant, whatever else it is for.
    engines: able.map((it) => ({ ...it, roles: ["draft"] })),
    draw: draw(),
    ...warm?.(promptTexts(prompt), able),
  };
  const made = route(input);
  if (!made) throw new TandemError("not-configured", `No engine is set up for ${role}`, "Check the settings");
  const { draft, candidates } = made;
  const chosen = able.find((it) => it.id === draft.engine);
  const first = able.length > 1 ? ", of several the one that is done first" : "";
  const why = `a single call goes to the engine that ${role}s${first}: ${chosen ? placeText(chosen) : draft.model}`;
  note?.(recordOf(input, made));
  emit({ kind: "routed", draft, audit: null, candidates: [...candidates], why });
  log.info("routed", { role, engine: draft.engine, why });
  return draft.engine;
}

/**
 * What each engine may have read already of the prompt that it would be given. That depends on how its model is asked, and on the room it
 * has; for tests also on a file that is not read yet, so that nothing is known of them.
 */
function warmFor(task: Task, engines: readonly EngineView[], { warm, settings }: RunDeps): Partial<Warmth> {
  if (!warm || task.action === "test") return {};
  const alike = Map.groupBy(
    engines.filter((it) => it.cache),
    ({ model }) => `${model.promptStyle} ${model.contextTokens} ${model.isTrial}`,
  );
  const found = [...alike.values()].flatMap((group) => {
    const [first] = group;
    const job = first && draftJob(task, { model: first.model, companion: null, maxTokens: settings.maxTokens });
    return job?.kind === "job" ? [warm(promptTexts(job.prompt), group)] : [];
  });
  return {
    warmTokens: Object.assign({}, ...found.map((it) => it.warmTokens)),
    displacedTokens: Object.assign({}, ...found.map((it) => it.displacedTokens)),
  };
}

function sizes(task: Task, settings: Settings): { promptTokens: number; outputTokens: number } {
  const range = targetRange(task.target);
  const codeTokens = task.document && range ? estimateTokens(slice(task.document.text, range)) : 0;
  return {
    promptTokens: codeTokens + PROMPT_OVERHEAD_TOKENS,
    outputTokens: Math.min(settings.maxTokens, Math.max(LEAST_OUTPUT_TOKENS, Math.ceil(codeTokens * 1.2))),
  };
}
