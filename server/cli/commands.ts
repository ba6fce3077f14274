import { randomUUID } from "node:crypto";
import { TandemError } from "../errors.ts";
import { bridge } from "./bridge.ts";
import type { Client } from "./client.ts";
import { showDecisions } from "./decisions.ts";
import { type EngineVerb, resetEngines, showStatus, tellEngine, toEngine, toReset } from "./engines.ts";
import { generateOnce, toGenerate } from "./generate.ts";
import { fetchBuild, listBuilds, toWanted } from "./get.ts";
import { toWaitSeconds } from "./loading.ts";
import { listModels, pullModel } from "./models.ts";
import type { Values } from "./options.ts";
import type { Out, Printer } from "./printer.ts";
import { toRegistering, toUnregistering } from "./registry.ts";
import { toRequest } from "./request.ts";
import { runOnce } from "./run.ts";
import { serveHttp, showKey, stopAll, toServe } from "./serve.ts";
import { effectiveSettings, settingsFrom } from "./settings.ts";
import type { Site } from "./site.ts";
import { takeOnEnter } from "./takeDraft.ts";

export interface Given {
  readonly words: readonly string[];
  readonly values: Values;
  readonly printer: Printer;
  readonly out: Out;
}

/** What is left to do; resolves to the exit code. */
export type Job = (site: Site, signal: AbortSignal) => Promise<number>;

/** Reads the arguments first, so that a mistake in them starts nothing. Throws TandemError bad-input. */
export type Command = (given: Given) => Promise<Job> | Job;

/** Every command. What only one of them needs is read when it is asked for. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["run", toRun],
  ["classify", toClassification],
  ["generate", toGeneration],
  ["embed", toEmbedding],
  ["models", toModels],
  ["register", toRegistering],
  ["unregister", toUnregistering],
  [
    "config",
    ({ words, values, out }) =>
      async () => {
        const { configCommand } = await import("./config.ts");
        return configCommand({ words, isJson: values.json === true, out });
      },
  ],
  ["get", toGetting],
  ["estimate", toEstimation],
  ["simulate", toSimulating],
  ["load", (given) => toEngineWord("load", given)],
  ["unload", (given) => toEngineWord("unload", given)],
  ["pin", (given) => toEngineWord("pin", given)],
  ["unpin", (given) => toEngineWord("unpin", given)],
  [
    "status",
    ({ values, out }) =>
      (site, signal) =>
        showStatus({ out, isJson: values.json === true }, site, signal),
  ],
  ["reset", toResetting],
  ["bench", toBenching],
  ["eval", toEvaluating],
  ["gpus", toGpus],
  ["doctor", toDoctor],
  ["decisions", toDecisions],
  ["why", toExplaining],
  ["replay", toReplay],
  ["serve", toServing],
  ["key", toKey],
  [
    "stop",
    ({ values, out }) =>
      (site, signal) =>
        stopAll(values.now === true ? "now" : "drained", site, out, signal),
  ],
  ["lsp", () => bridge],
  [
    "demo",
    ({ out }) =>
      withClient(async (client, signal) => {
        const { demo } = await import("./demo.ts");
        return demo(client, out, signal);
      }),
  ],
]);

async function toRun({ words, values, printer }: Given): Promise<Job> {
  const request = await toRequest({ ...values, instruction: words.join(" ") });
  const isApplied = values.apply === true;
  if (values.json === true || !process.stdin.isTTY || !process.stdout.isTTY)
    return withClient(async (client, signal) => (await runOnce(request, client, printer, isApplied, signal)).exitCode);
  return withClient(async (client, signal) => {
    const ticket = randomUUID();
    using taking = takeOnEnter({ client, ticket, printer, input: process.stdin });
    return (await runOnce({ ...request, ticket }, client, taking, isApplied, signal)).exitCode;
  });
}

/** Nothing is started for it. */
async function toClassification({ words, values, out }: Given): Promise<Job> {
  const { showClassification, toClassifying } = await import("./classify.ts");
  const asked = toClassifying(words, values);
  return () =>
    showClassification(asked, { out, input: process.stdin, rules: effectiveSettings(values, process.env).rules });
}

function toGeneration({ words, values, printer, out }: Given): Job {
  const request = toGenerate(words.join(" "), values);
  return withClient((client, signal) =>
    done(generateOnce(request, { client, out, printer, isJson: values.json === true }, signal)),
  );
}

async function toEmbedding({ words, values, printer, out }: Given): Promise<Job> {
  const { showVectors, toEmbedding: read } = await import("./embed.ts");
  const asked = await read(words, values);
  const shown = { out, printer, input: process.stdin, isJson: values.json === true };
  return withClient((client, signal) => done(showVectors(asked, { ...shown, client }, signal)));
}

function toModels({ words, values, out, printer }: Given): Job {
  const [verb, model] = words;
  if (verb === undefined)
    return withClient((client, signal) => done(listModels(client, out, values.json === true, signal)));
  const isJson = values.json === true;
  if (verb === "pull" && model !== undefined && words.length === 2)
    return withClient((client, signal) => done(pullModel(model, client, { out, printer, isJson }, signal)));
  if (verb === "pull")
    throw new TandemError("bad-input", "`models pull` takes one model", "`tandem models` lists what there is");
  throw unknown("models", words, "Use `tandem models` or `tandem models pull MODEL`");
}

function toGetting({ words, values, out, printer }: Given): Job {
  const shown = { out, printer, isJson: values.json === true };
  const wanted = toWanted(words, values);
  if (wanted === null) return withClient((client, signal) => done(listBuilds(client, shown, signal)));
  return withClient((client, signal) => done(fetchBuild(wanted, client, shown, signal)));
}

/** Nothing is started for it: the file tells everything. */
async function toEstimation({ words, values, out }: Given): Promise<Job> {
  const [{ showEstimate }, { toAsked }] = await Promise.all([import("./estimate.ts"), import("./estimateOptions.ts")]);
  const asked = toAsked(words, values);
  return (_site, signal) => done(showEstimate(asked, out, signal));
}

async function toEvaluating({ words, values, out, printer }: Given): Promise<Job> {
  const [{ runEval, showResults }, { toEval }] = await Promise.all([import("./eval.ts"), import("./evalOptions.ts")]);
  const asked = toEval(words, values);
  const shown = { out, printer, isJson: values.json === true, settings: settingsFrom(values, process.env) };
  if (asked.kind === "show") return () => done(showResults(asked.files, shown));
  if (asked.kind === "run") return (site, signal) => runEval(asked, shown, site, signal);
  const { showAgreement } = await import("./evalAgreement.ts");
  return withClient((client, signal) => showAgreement(asked, { ...shown, client }, signal));
}

async function toBenching({ words, values, out, printer }: Given): Promise<Job> {
  const { runBench, showStored, toBench } = await import("./bench.ts");
  const shown = { out, printer, isJson: values.json === true };
  if (values.stored === true) return withClient((client, signal) => done(showStored(client, shown, signal)));
  const params = toBench(words, values);
  return withClient((client, signal) => done(runBench(params, client, shown, signal)));
}

/** Nothing is started for it either. */
async function toSimulating({ words, values, out }: Given): Promise<Job> {
  const { showSimulation, toSimulation } = await import("./simulate.ts");
  const simulation = toSimulation(words, values);
  return (_site, signal) => done(showSimulation(simulation, out, signal));
}

function toDecisions({ values, out }: Given): Job {
  const limit = Number(values.limit ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw new TandemError("bad-input", `--limit ${values.limit} is no number of decisions`, "Give one from 1 to 500");
  const withInput = values.inputs === true;
  const shown = { out, isJson: withInput || values.json === true, limit, withInput };
  return withClient((client, signal) => done(showDecisions(client, shown, signal)));
}

async function toExplaining({ words, values, out }: Given): Promise<Job> {
  const { showWhy, toWhy } = await import("./why.ts");
  const shown = { id: toWhy(words), out, isJson: values.json === true };
  return withClient((client, signal) => done(showWhy(client, shown, signal)));
}

/** A file tells everything: nothing is started for it. */
async function toReplay({ values, out }: Given): Promise<Job> {
  const { showReplay, toReplaying } = await import("./replay.ts");
  const replaying = toReplaying(values);
  const isJson = values.json === true;
  return (site, signal) => done(showReplay(replaying, { client: site.client, out, isJson }, signal));
}

function toServing({ values, out }: Given): Job {
  const params = toServe(values, process.env);
  return (site, signal) => serveHttp(params, site, out, signal);
}

function toKey({ words, out }: Given): Job {
  const verb = words.length === 0 ? "show" : words.join(" ");
  if (verb !== "show" && verb !== "rotate") throw unknown("key", words, "Use `tandem key` or `tandem key rotate`");
  return (site, signal) => showKey(verb, site, out, signal);
}

async function toDoctor({ values, out }: Given): Promise<Job> {
  const { doctor } = await import("./doctor/command.ts");
  const given = { settings: effectiveSettings(values, process.env), isJson: values.json === true, out };
  return (site, signal) => doctor(given, site, signal);
}

async function toGpus({ values, out }: Given): Promise<Job> {
  const { showGpus, watchGpus } = await import("./gpus.ts");
  const shown = { out, isJson: values.json === true };
  return (site, signal) => (values.watch === true ? watchGpus : showGpus)(shown, site, signal);
}

function toEngineWord(verb: EngineVerb, { words, values, out, printer }: Given): Job {
  const engine = toEngine(verb, words);
  const shown = { out, printer, isJson: values.json === true };
  const waitSeconds = toWaitSeconds(values);
  return withClient((client, signal) => done(tellEngine({ verb, engine, waitSeconds }, client, shown, signal)));
}

function toResetting({ words, values, out }: Given): Job {
  const engine = toReset(words);
  return (site, signal) => resetEngines(engine, { out, isJson: values.json === true }, { site, signal });
}

function withClient(job: (client: Client, signal: AbortSignal) => Promise<number>): Job {
  return async (site, signal) => job(await site.client(), signal);
}

async function done(work: Promise<void>): Promise<number> {
  await work;
  return 0;
}

function unknown(command: string, words: readonly string[], nextStep: string): TandemError {
  return new TandemError("bad-input", `There is no command "${command} ${words.join(" ")}"`, nextStep);
}
