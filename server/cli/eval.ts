import { join } from "node:path";
import { packageVersion } from "../assets.ts";
import { type Rivals, settingsOf } from "../core/eval/modes.ts";
import type { EvalMode, Outcome } from "../core/eval/outcome.ts";
import { turnsOf } from "../core/eval/plan.ts";
import { paired, summarise } from "../core/eval/summary.ts";
import type { EvalTask } from "../core/eval/task.ts";
import { openResults, type Results, readResults } from "../eval/results.ts";
import { createSandbox } from "../eval/sandbox.ts";
import type { Toolchain } from "../eval/toolchains.ts";
import { stateFolder } from "../platform/folders.ts";
import type { ClientSettings } from "../protocol/settings.ts";
import type { Client } from "./client.ts";
import { agreeToRun } from "./evalConsent.ts";
import type { EvalAsked } from "./evalOptions.ts";
import { meetModels, prepareTasks } from "./evalPrepare.ts";
import { evaluate } from "./evalRun.ts";
import { evalTable, outcomeLine, pairTable } from "./evalTable.ts";
import type { Out, Printer } from "./printer.ts";
import { createSite, type Site } from "./site.ts";

export interface EvalShown {
  readonly out: Out;
  readonly printer: Printer;
  readonly isJson: boolean;
  /** The user's own: each mode changes what it is about. */
  readonly settings: ClientSettings;
}

/** As shells count what Ctrl-C stopped. */
const STOPPED = 130;

/** Gives tasks to the user's models and runs hidden tests over what they write. Resolves to the exit code. */
export async function runEval(
  asked: Extract<EvalAsked, { kind: "run" }>,
  shown: EvalShown,
  site: Site,
  signal: AbortSignal,
): Promise<number> {
  const { out, isJson, printer, settings } = shown;
  const say = (line: string) => void (isJson ? undefined : out.write(`${line}\n`));
  const sandbox = await createSandbox(signal);
  await agreeToRun(sandbox.says, asked.isAgreed, signal);
  const { tasks, toolchains, digest } = await prepareTasks(asked, { sandbox, say }, signal);
  const met = await meetModels({ client: await site.client(), printer, say }, asked.modes, signal);
  const { models, modes, rivals } = met;
  const path = asked.out ?? freshPath();
  const header = { kind: "eval", version: packageVersion, tasks: digest, seed: asked.seed, models } as const;
  await using results = await openResults(path, header);
  await using clients = createModeClients({ settings, rivals }, signal);
  const asks = new Set(tasks.map((it) => it.id));
  const outcomes: Outcome[] = results.before.filter((it) => asks.has(it.task));
  const isDone = new Set(outcomes.map((it) => `${it.mode} ${it.task}`));
  const turns = turnsOf(tasks, modes).filter(({ task, mode }) => !isDone.has(`${mode} ${task.id}`));
  say(
    `${tasks.length} tasks (${labels(toolchains)}); ${Object.entries(models)
      .map((it) => it.join(": "))
      .join("; ")}`,
  );
  say(`Results are kept in ${path}${isDone.size > 0 ? `, which has ${isDone.size} of them` : ""}\n`);
  const toolchain = (task: EvalTask) => toolchains.get(task.language) as Toolchain;
  let nth = 0;
  const onOutcome = async (outcome: Outcome) => {
    outcomes.push(outcome);
    await results.add(outcome);
    if (isJson) out.write(`${JSON.stringify(outcome)}\n`);
    else say(outcomeLine(outcome, ++nth, turns.length));
  };
  const givenUp = await evaluate({ turns, client: clients.of, toolchain, sandbox, onOutcome }, signal);
  for (const [mode, why] of givenUp) say(`${mode} was given up, as its engine failed again and again: ${why}`);
  out.write(isJson ? `${JSON.stringify({ kind: "summary", ...summarise(outcomes) })}\n` : `\n${evalTable(outcomes)}`);
  if (!signal.aborted) return 0;
  say(`\nStopped. The same command with --out ${path} goes on`);
  return STOPPED;
}

function freshPath(): string {
  return join(stateFolder(), "evals", `${new Date().toISOString().replaceAll(":", "-")}.jsonl`);
}

function labels(toolchains: ReadonlyMap<string, Toolchain>): string {
  return [...toolchains.values()].map((it) => it.label).join(", ");
}

interface ModeClients extends AsyncDisposable {
  of(mode: EvalMode): Promise<Client>;
}

/** A connection for each mode, since each connection has settings of its own. */
function createModeClients(
  { settings, rivals }: { readonly settings: ClientSettings; readonly rivals: Rivals },
  signal: AbortSignal,
): ModeClients {
  const sites: Site[] = [];
  const clients = new Map<EvalMode, Promise<Client>>();
  return {
    of(mode) {
      const known = clients.get(mode);
      if (known) return known;
      const site = createSite({ settings: settingsOf(mode, settings, rivals), onLog: () => undefined }, signal);
      sites.push(site);
      const opened = site.client();
      clients.set(mode, opened);
      return opened;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(sites.map((it) => it[Symbol.asyncDispose]()));
    },
  };
}

/** Stored results, or two of them beside each other. */
export async function showResults(files: readonly string[], { out, isJson }: Pick<EvalShown, "out" | "isJson">) {
  const [one, other] = await Promise.all(files.map(readResults));
  if (!one) return;
  if (isJson) return void out.write(`${JSON.stringify({ results: other ? [one, other] : [one] })}\n`);
  out.write(resultsText(one));
  if (!other) return;
  out.write(`\n${resultsText(other)}\n`);
  if (one.header.tasks !== other.header.tasks)
    out.write("They were made with other tasks: only what has the same name is compared.\n");
  const side = (name: string, mode: EvalMode, { outcomes }: Results) => ({
    name: `the ${name}'s ${mode}`,
    outcomes: outcomes.filter((it) => it.mode === mode),
  });
  const modes = [...new Set(one.outcomes.map((it) => it.mode))];
  const pairs = modes.map((mode) => paired(side("first", mode, one), side("second", mode, other)));
  out.write(pairTable(pairs.filter((it) => it.tasks > 0)));
}

function resultsText({ header, outcomes }: Results): string {
  const models = Object.entries(header.models).map((it) => it.join(": "));
  return `${models.join("; ")}; Tandem ${header.version}, seed ${header.seed}\n${evalTable(outcomes)}`;
}
