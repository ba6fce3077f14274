// `npm run check:gpu -- [--model FILE.gguf] [--llama-server PATH] [--only telemetry,loads,first-load,eviction] [--out FOLDER] [--fake]`: on a machine
// with an NVIDIA driver, what Tandem says and does is compared with what the driver says. Without one there is nothing to check.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findTool } from "../../server/gpu/tool.ts";
import { ensureLlamaServer } from "../setup/llamaBuild.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";
import { checkEviction } from "./eviction.ts";
import { fakeMachine } from "./fakeMachine.ts";
import { checkLoads, SETTINGS } from "./loads.ts";
import { type Machine, plainCards } from "./machine.ts";
import { type Report, type Step, textOf, verdictOf } from "./report.ts";
import { checkTelemetry } from "./telemetry.ts";

const never = new AbortController().signal;
const RESULTS = join(import.meta.dirname, "../bench/results");
const say = (line: string) => void process.stderr.write(`${line}\n`);

const STEPS: Readonly<Record<string, (machine: Machine) => Promise<Step[]>>> = {
  telemetry: async (machine) => [await checkTelemetry(machine)],
  loads: (machine) => checkLoads(machine),
  eviction: async (machine) => [await checkEviction(machine)],
};

/** And a part of one, for who is in a hurry. */
const KNOWN: typeof STEPS = { ...STEPS, "first-load": (machine) => checkLoads(machine, SETTINGS.slice(0, 1)) };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      model: { type: "string" },
      "llama-server": { type: "string" },
      only: { type: "string" },
      out: { type: "string" },
      fake: { type: "boolean" },
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "tandem-check-"));
  try {
    if (values.fake === true) {
      using machine = await fakeMachine(folder);
      return await check(machine, values.only, values.out ?? folder);
    }
    const tool = await findTool("nvidia-smi", process.env);
    if (tool === null) {
      process.stdout.write("There is no nvidia-smi, so no NVIDIA driver: nothing to check.\n");
      return 0;
    }
    const modelPath = values.model ? resolve(values.model) : (await ensureTinyLlama(say, never)).path;
    const llamaServer = await serverFor(values["llama-server"]);
    const machine = { tool: [tool] as const, env: {}, llamaServer, modelPath, folder, isFake: false };
    return await check(machine, values.only, values.out ?? RESULTS);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The one that is named, one in PATH, or one built for this card where its compiler is; else the embedded engine's own builds. */
async function serverFor(named: string | undefined): Promise<string | null> {
  if (named !== undefined) return resolve(named);
  const found = await findTool("llama-server", process.env);
  if (found !== null) return found;
  return (await findTool("nvcc", process.env)) === null ? null : ensureLlamaServer(say, never, "cuda");
}

async function check(machine: Machine, only: string | undefined, out: string): Promise<number> {
  // Both are read by the processes and by this one.
  Object.assign(process.env, machine.env);
  const names = only?.split(",") ?? Object.keys(STEPS);
  const unknown = names.find((it) => !(it in KNOWN));
  if (unknown !== undefined) {
    say(`There is no step "${unknown}". Choose among: ${Object.keys(KNOWN).join(", ")}`);
    return 2;
  }
  const wanted = names.flatMap((name) => (KNOWN[name] ? [[name, KNOWN[name]] as const] : []));
  const steps: Step[] = [];
  for (const [name, step] of wanted) {
    say(`checking: ${name}`);
    try {
      steps.push(...(await step(machine)));
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      steps.push({ name, outcome: "failed", lines: [reason], figures: {} });
    }
  }
  const report: Report = { atMs: Date.now(), isFake: machine.isFake, machine: await described(machine), steps };
  const text = textOf(report);
  await mkdir(out, { recursive: true });
  const path = join(out, `gpu-check-${new Date(report.atMs).toISOString().slice(0, 10)}`);
  await writeFile(`${path}.txt`, text);
  await writeFile(`${path}.json`, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(text);
  say(`written: ${path}.txt and .json`);
  return steps.some((it) => it.outcome === "failed") || verdictOf(steps).startsWith("0 passed") ? 1 : 0;
}

async function described({ tool, llamaServer }: Machine): Promise<Report["machine"]> {
  const cards = await plainCards(tool);
  return {
    system: `${process.platform} ${process.arch} ${release()}`,
    processor: `${cpus()[0]?.model.trim() ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GB`,
    cards: cards.map((it) => `${it.index} ${it.name}, ${it.totalMebibytes} MiB`).join("; "),
    engine: llamaServer === null ? "the embedded engine" : "a llama-server",
  };
}

process.exitCode = await main();
