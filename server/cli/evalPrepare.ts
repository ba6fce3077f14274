import { createHash } from "node:crypto";
import { evalsFolder } from "../assets.ts";
import { type Rivals, rivalEngines } from "../core/eval/modes.ts";
import type { EvalMode } from "../core/eval/outcome.ts";
import { ordered } from "../core/eval/plan.ts";
import type { EvalLanguage, EvalTask } from "../core/eval/task.ts";
import { TandemError } from "../errors.ts";
import { grade } from "../eval/grade.ts";
import type { Sandbox } from "../eval/sandbox.ts";
import { readEvalTasks } from "../eval/tasks.ts";
import { findToolchain, type Toolchain } from "../eval/toolchains.ts";
import { load } from "../protocol/engines.ts";
import { status } from "../protocol/requests.ts";
import type { EngineStatus } from "../protocol/status.ts";
import type { Client } from "./client.ts";
import type { EvalAsked } from "./evalOptions.ts";
import type { Printer } from "./printer.ts";

export interface Prepared {
  readonly tasks: readonly EvalTask[];
  readonly toolchains: ReadonlyMap<EvalLanguage, Toolchain>;
  /** Of every task there is, so that runs over other tasks are told apart. */
  readonly digest: string;
}

type Say = (line: string) => void;
type RunAsked = Extract<EvalAsked, { kind: "run" }>;

/** The tasks that are asked for and can be graded here; what cannot be is said. Throws TandemError. */
export async function prepareTasks(
  asked: RunAsked,
  { sandbox, say }: { readonly sandbox: Sandbox; readonly say: Say },
  signal: AbortSignal,
): Promise<Prepared> {
  const all = await readEvalTasks(asked.folder ?? evalsFolder());
  const toolchains = new Map<EvalLanguage, Toolchain>();
  for (const language of asked.languages) {
    const probe = all.find((it) => it.language === language);
    const found = probe && (await trusted(probe, sandbox, signal));
    if (found && "missing" in found) say(`Without ${language}: ${found.missing}`);
    else if (found) toolchains.set(language, found);
  }
  const tasks = ordered(
    all.filter((it) => toolchains.has(it.language)),
    asked.seed,
  ).slice(0, asked.limit ?? all.length);
  const digest = createHash("sha256").update(JSON.stringify(all)).digest("hex").slice(0, 16);
  if (tasks.length > 0) return { tasks, toolchains, digest };
  throw new TandemError("not-configured", "No task can be graded here", "Install Node 22.18, Python 3.10 or rustc");
}

/** What is found must pass a solution that is known to be right, or its word on a model's would be worth nothing. */
async function trusted(task: EvalTask, sandbox: Sandbox, signal: AbortSignal) {
  const toolchain = await findToolchain(task.language);
  if ("missing" in toolchain) return toolchain;
  const graded = await grade({ task, text: task.reference, toolchain, sandbox }, signal);
  return graded.kind === "passed"
    ? toolchain
    : { missing: `${toolchain.label} does not pass a solution that is right (${graded.why})` };
}

export interface Met {
  readonly rivals: Rivals;
  /** What takes part, for people and for telling runs apart. */
  readonly models: Readonly<Record<string, string>>;
  /** Those of the modes asked for that say something of their own. */
  readonly modes: readonly EvalMode[];
}

/**
 * Has the models loaded beforehand, so that no task's time has it in it and an endpoint has said what it serves. Where the large and the
 * small model are one, the mode `small` would measure the same again and is left out.
 */
export async function meetModels(
  { client, printer, say }: { readonly client: Client; readonly printer: Pick<Printer, "event">; readonly say: Say },
  modes: readonly EvalMode[],
  signal: AbortSignal,
): Promise<Met> {
  const before = await client.send(status, {}, () => undefined, signal);
  const first = rivalEngines(before.engines);
  const loaded = async (engine: EngineStatus | null, isWanted: boolean) =>
    engine && isWanted ? await client.send(load, { engine: nameOf(engine) }, printer.event, signal) : null;
  const large = await loaded(first.large, true);
  const small = await loaded(first.small, modes.includes("small") || modes.includes("audit"));
  if (!large)
    throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
  const isSame = small !== null && small.model.id === large.model.id;
  const models = { large: placed(large), ...(small && !isSame ? { small: placed(small) } : {}) };
  const kept = modes.filter((it) => it !== "small" || (small !== null && !isSame));
  if (kept.length < modes.length)
    say("Without the mode small: one model does both here (see --audit-model, --low-model)");
  return { rivals: { large: large.model.id, small: isSame ? null : (small?.model.id ?? null) }, models, modes: kept };
}

function nameOf({ handle, id }: EngineStatus): string {
  return handle === "" ? id : handle;
}

function placed({ model, device, kind }: EngineStatus): string {
  return `${model.label} ${kind === "endpoint" ? "at" : "on"} ${device}`;
}
