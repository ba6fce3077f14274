import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { engineEntry, shimEntry } from "../../server/assets.ts";
import { createOpenEngine } from "../../server/backends/open.ts";
import type { KvType } from "../../server/core/estimatePlan.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { EngineSpec, LocalSpec } from "../../server/engineSpec.ts";
import { watchNvidia } from "../../server/gpu/nvidia.ts";
import { createMonitor } from "../../server/monitor.ts";
import { withDescendants } from "../../server/platform/descendants.ts";
import type { Engine } from "../../server/ports.ts";
import { createWitness } from "../../server/witness.ts";
import { silentLog } from "../fakes/log.ts";
import { runCli } from "../server/cli.ts";
import { estimateFlags, type Machine, type PlainCard, plainCards, plainProcesses } from "./machine.ts";
import { createComparison, mebibytes, offPercent, type Step } from "./report.ts";

const never = new AbortController().signal;
/** What the estimate promises of llama.cpp's own buffers. */
const NEAR_PERCENT = 5;
/** Of everything the driver counts for the process: its own context differs by card and version. */
const NEAR_DRIVER_PERCENT = 10;
const NEAR_DRIVER_BYTES = 300 * 1024 ** 2;

export const SETTINGS: readonly { readonly contextTokens: number; readonly kv: KvType }[] = [
  { contextTokens: 512, kv: "f16" },
  { contextTokens: 2_048, kv: "f16" },
  { contextTokens: 8_192, kv: "f16" },
  { contextTokens: 8_192, kv: "q8_0" },
];

/** The settings on the first card, and the first of them on each further: estimated, loaded, measured twice, and found where it was put. */
export async function checkLoads(machine: Machine, settings = SETTINGS): Promise<Step[]> {
  const cards = await plainCards(machine.tool);
  const [first, ...others] = cards;
  const [setting] = settings;
  if (!first || !setting) return [];
  const monitor = createMonitor({
    sources: [{ name: "nvidia", start: (report) => watchNvidia({ tool: machine.tool, report }) }],
    clock: { nowMs: () => performance.now() },
    log: silentLog,
  });
  await using _ = monitor;
  monitor.begin();
  const open = createWitness({
    openEngine: createOpenEngine({
      ...{ log: silentLog, childPath: engineEntry(), shimPath: shimEntry(), register: null },
      cards: () => monitor.now().gpus.map((it) => it.reading),
    }),
    ...{ monitor, log: silentLog, clock: { nowMs: () => performance.now() } },
  });
  const steps: Step[] = [];
  for (const it of settings) steps.push(await checkLoad({ machine, card: first, open, ...it }));
  for (const card of others) steps.push(await checkLoad({ machine, card, open, ...setting }));
  return steps;
}

interface Case {
  readonly machine: Machine;
  readonly card: PlainCard;
  readonly open: (spec: EngineSpec, signal: AbortSignal) => Promise<Engine>;
  readonly contextTokens: number;
  readonly kv: KvType;
}

async function checkLoad(given: Case): Promise<Step> {
  const { machine, card, open, contextTokens, kv } = given;
  const name = `a load of ${contextTokens} tokens in ${kv} on GPU ${card.index}: estimated, measured, pinned`;
  const told = createComparison();
  const estimated = await estimateOf(given);
  const startedMs = performance.now();
  let engine: Engine;
  try {
    engine = await open(specOf(given), never);
  } catch (error) {
    const lines = [`NO  it could be loaded: ${error instanceof Error ? error.message : String(error)}`];
    return { name, outcome: "failed", lines, figures: { estimated } };
  }
  await using loaded = engine;
  const loadMs = Math.round(performance.now() - startedMs);
  told.note(`loaded in ${loadMs} ms`);
  const said = loaded.held?.find((it) => it.device === card.uuid)?.bytes ?? null;
  if (said === null) told.check(false, "the engine says what it holds of the card");
  else {
    const off = offPercent(estimated.buffers, said);
    const words = `estimated ${mebibytes(estimated.buffers)}, llama.cpp says ${mebibytes(said)}: ${off.toFixed(2)} %`;
    told.check(Math.abs(off) <= NEAR_PERCENT, words);
  }
  const pids = await withDescendants(loaded.pid ?? 0);
  const seen = (await plainProcesses(machine.tool)).filter((it) => pids.includes(it.pid));
  const here = seen.find((it) => it.uuid === card.uuid)?.bytes ?? null;
  if (here === null) told.note("the driver does not tell this process's memory, so that is not compared");
  else {
    const off = offPercent(estimated.all, here);
    const isNear = Math.abs(off) <= NEAR_DRIVER_PERCENT || Math.abs(estimated.all - here) <= NEAR_DRIVER_BYTES;
    told.check(
      isNear,
      `with the driver's own ${mebibytes(estimated.all)}, the driver says ${mebibytes(here)}: ${off.toFixed(2)} %`,
    );
  }
  const elsewhere = seen.filter((it) => it.uuid !== card.uuid);
  told.check(
    elsewhere.length === 0,
    `its process is on no other card${elsewhere.map((it) => ` (${it.uuid})`).join("")}`,
  );
  const { placement } = loaded;
  const isRight = placement?.verdict === "verified" || (placement?.verdict === "unverifiable" && here === null);
  told.check(isRight, `Tandem's own verdict: ${placement?.verdict ?? "none"}: ${placement?.why ?? ""}`);
  const figures = { contextTokens, kv, estimated, saidBytes: said, seenBytes: here, loadMs, placement };
  return { name, outcome: told.outcome(), lines: told.lines, figures };
}

interface Estimated {
  readonly buffers: number;
  /** With what the driver takes for the process. */
  readonly all: number;
}

/** By the command that users have. */
async function estimateOf({ machine, contextTokens, kv }: Case): Promise<Estimated> {
  const options = { cwd: machine.folder, env: { ...machine.env } };
  const run = await runCli(["estimate", machine.modelPath, ...estimateFlags(machine, contextTokens, kv)], options);
  if (run.code !== 0) throw new Error(run.stderr);
  const devices: { device: string; totalBytes: number; terms: { driver: number } }[] = JSON.parse(run.stdout).devices;
  const gpu = devices.find((it) => it.device !== "cpu");
  if (!gpu) throw new Error(`no GPU is in the estimate: ${run.stdout}`);
  return { buffers: gpu.totalBytes - gpu.terms.driver, all: gpu.totalBytes };
}

function specOf({ machine, card, contextTokens, kv }: Case): EngineSpec {
  const { modelPath, llamaServer } = machine;
  const name = basename(modelPath, ".gguf");
  const local: LocalSpec = {
    model: {
      ...{ id: `file:${modelPath}`, label: name, parametersB: null, quantisation: null, contextTokens },
      ...{ promptStyle: "completion", isTrial: false },
    },
    ...{
      path: modelPath,
      device: "auto",
      threads: Math.max(1, Math.min(8, availableParallelism() - 1)),
      contextTokens,
    },
    cards: [{ uuid: card.uuid, vendor: "nvidia", index: card.index, share: 1 }],
    options: { ...DEFAULT_OPTIONS, keyType: kv, valueType: kv, flashAttention: "on", gpuLayers: "all" },
    use: "write",
  };
  return llamaServer === null
    ? { kind: "embedded", ...local }
    : { kind: "llama-server", executable: llamaServer, ...local };
}
