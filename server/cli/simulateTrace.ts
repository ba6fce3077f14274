import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { GOVERN_RULES } from "../core/govern/rules.ts";
import { SCENARIOS } from "../core/simulate/scenarios.ts";
import type { Trace } from "../core/simulate/trace.ts";
import { TandemError } from "../errors.ts";

/** A larger file is no trace that anybody wrote. */
const MOST_BYTES = 8 * 1024 ** 2;

const Name = z.string().min(1).max(100);
const Seconds = z.number().min(0).max(86_400);
const Gigabytes = z.number().min(0).max(100_000);
const Moment = { atSeconds: Seconds, device: Name };
const Needs = z
  .array(z.strictObject({ device: Name, gigabytes: Gigabytes }))
  .min(1)
  .max(64);

const Model = z.strictObject({
  key: Name,
  label: Name.optional(),
  kind: z.enum(["writer", "embedder", "reranker"]).default("writer"),
  options: z
    .array(z.strictObject({ needs: Needs, takes: Needs.optional() }))
    .min(1)
    .max(64),
  slots: z.int().min(1).max(1_024).default(1),
  loadSeconds: Seconds,
  unloadSeconds: Seconds.default(0.5),
  weight: z.number().min(0).max(1_000).default(1),
  saysHeld: z.boolean().default(true),
});

const Request = z.strictObject({
  atSeconds: Seconds,
  choices: z.array(Name).min(1).max(8),
  priority: z.enum(["interactive", "task", "background"]).default("interactive"),
  serviceSeconds: Seconds,
  yields: z.boolean().default(false),
});

const ruleNames = Object.keys(GOVERN_RULES) as (keyof typeof GOVERN_RULES)[];
const Rules = z
  .strictObject(Object.fromEntries(ruleNames.map((it) => [it, z.number().min(0).max(1e9).optional()])))
  .extend({ besideInteractive: z.enum(["waits", "runs"]).optional() });

/** A trace as a file has it; what is left out is as usual. */
const TraceFile = z.strictObject({
  about: z.string().max(1_000).default(""),
  devices: z
    .array(
      z.strictObject({
        device: Name,
        name: Name.optional(),
        totalGigabytes: Gigabytes.gt(0),
        reserveGigabytes: Gigabytes.default(3),
      }),
    )
    .min(1)
    .max(64),
  models: z.array(Model).min(1).max(128),
  requests: z.array(Request).min(1).max(10_000),
  foreign: z
    .array(z.strictObject({ ...Moment, gigabytes: Gigabytes }))
    .max(10_000)
    .default([]),
  warmth: z
    .array(z.strictObject({ ...Moment, celsius: z.number().min(-50).max(200) }))
    .max(10_000)
    .default([]),
  telemetry: z
    .array(z.strictObject({ ...Moment, health: z.enum(["ok", "stale", "broken"]) }))
    .max(10_000)
    .default([]),
  rules: Rules.default({}),
  tellsProcesses: z.boolean().default(true),
  untilSeconds: Seconds.default(0),
});

/** One that Tandem ships, by its name, else a file. Throws TandemError bad-input. */
export async function readTrace(name: string, signal: AbortSignal): Promise<Trace> {
  const shipped = SCENARIOS.get(name);
  if (shipped) return shipped();
  const text = await readText(name, signal);
  const read = TraceFile.safeParse(parsed(name, text));
  if (!read.success) throw wrong(name, issueOf(read.error));
  const file = read.data;
  const trace: Trace = {
    ...file,
    devices: file.devices.map((it) => ({ ...it, name: it.name ?? it.device })),
    models: file.models.map((it) => ({ ...it, label: it.label ?? it.key })),
    rules: Object.fromEntries(Object.entries(file.rules).filter(([, value]) => value !== undefined)),
  };
  const issue = loose(trace);
  if (issue !== null) throw wrong(name, issue);
  return trace;
}

async function readText(name: string, signal: AbortSignal): Promise<string> {
  try {
    if ((await stat(name)).size > MOST_BYTES) throw wrong(name, "it is larger than 8 MB");
    return await readFile(name, { encoding: "utf8", signal });
  } catch (error) {
    if (error instanceof TandemError) throw error;
    const message = `There is no trace called "${name}", and no file of that name that can be read`;
    throw new TandemError("bad-input", message, "`tandem simulate --list` names those that come with Tandem", {
      cause: error,
    });
  }
}

function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrong(name, error instanceof Error ? error.message : String(error));
  }
}

function issueOf(error: z.ZodError): string {
  const [first] = error.issues;
  return first ? `${first.path.join(".") || "the whole"}: ${first.message}` : error.message;
}

/** What names something that is not there, or something twice. */
function loose({ devices, models, requests, foreign, warmth, telemetry }: Trace): string | null {
  const known = new Set(devices.map((it) => it.device));
  const keys = new Set(models.map((it) => it.key));
  if (known.size < devices.length) return "devices: two have the same name";
  if (keys.size < models.length) return "models: two have the same key";
  for (const model of models) {
    const ids = new Set(model.options.map((it) => it.needs.map(({ device }) => device).join("+")));
    if (ids.size < model.options.length) return `models: ${model.key} has two options on the same devices`;
    const named = model.options.flatMap((it) => [...it.needs, ...(it.takes ?? [])]);
    const unknown = named.find((it) => !known.has(it.device));
    if (unknown) return `models: ${model.key} is to go on ${unknown.device}, which is none of the devices`;
  }
  const stranger = requests.flatMap((it) => it.choices).find((it) => !keys.has(it));
  if (stranger !== undefined) return `requests: ${stranger} is none of the models`;
  const nowhere = [...foreign, ...warmth, ...telemetry].find((it) => !known.has(it.device));
  return nowhere ? `${nowhere.device} is none of the devices` : null;
}

function wrong(name: string, issue: string): TandemError {
  const nextStep = "`tandem simulate two-24 --trace` prints one to start from";
  return new TandemError("bad-input", `${name} is no trace: ${issue}`, nextStep);
}
