import type { GpuReading } from "../core/telemetry.ts";
import type { Examination, FoundGpu, FoundModel, FoundOrchestrator, Problem } from "./examination.ts";
import { runningText } from "./running.ts";

/** What was found of one thing. */
export interface Finding {
  readonly title: string;
  readonly texts: readonly string[];
}

/** The findings for people, problems last, where a terminal ends. */
export function findingLines(found: Examination, problems: readonly Problem[]): string[] {
  const lines = [
    `Tandem ${found.version}, Node ${found.node}, ${found.system}`,
    "",
    ...findings(found).flatMap(({ title, texts }) => texts.map((it, nth) => section(nth === 0 ? title : "", it))),
    "",
  ];
  if (problems.length === 0) return [...lines, "No problems were found."];
  return [...lines, ...problems.flatMap((it) => [`${it.weight}: ${it.what}`, `  next step: ${it.nextStep}`])];
}

/** Everything that was found, in words. */
export function findings(found: Examination): Finding[] {
  const { programs, advice, processor } = found;
  const servers = Object.entries(programs.servers).flatMap(([name, path]) => (path ? [`${name} (${path})`] : []));
  if (programs.chosenServer) servers.unshift(`llama-server of the settings (${programs.chosenServer.path})`);
  const builds = programs.builds.length > 0 ? `embedded, for ${programs.builds.join(" and ")}` : "no embedded one";
  return [
    {
      title: "Processor",
      texts: [`${processor.name}, ${processor.cores} cores, ${gigabytes(found.ramBytes)} of memory`],
    },
    { title: "GPUs", texts: gpuLines(found) },
    { title: "Class", texts: [`${found.tier}: ${found.tierWhy.join("; ")}`] },
    { title: "Set-up", texts: [setUp(advice), ...advice.why, `suggested: ${advice.models.join(", ")}`] },
    { title: "Models", texts: [...found.models.map(modelText), `chosen because: ${found.modelsWhy}`] },
    { title: "Engine", texts: [builds] },
    {
      title: "Servers",
      texts: [servers.length > 0 ? servers.join(", ") : "none in PATH", ...found.running.map(runningText)],
    },
    { title: "Orchestrator", texts: [orchestratorText(found.orchestrator)] },
    {
      title: "Configuration",
      texts: [`${found.config.path}${found.config.isThere ? "" : ", which is not there: the defaults hold"}`],
    },
    { title: "Folders", texts: found.folders.map((it) => `${it.path} (${it.what}): ${it.state}`) },
  ];
}

const MARGIN = 15;

function section(title: string, text: string): string {
  return `${title.padEnd(MARGIN)}${text}`;
}

function gpuLines({ gpus, makes, instances }: Examination): string[] {
  const lines = gpus.flatMap((gpu) => [
    `${gpu.index} ${gpu.name}: ${gpu.health}, ${measures(gpu).join(", ")}`,
    ...instances.filter((it) => it.card === gpu.uuid).map((it) => `  MIG ${it.profile} ${it.uuid}`),
    ...(gpu.processes ?? []).map(
      (it) => `  process ${it.pid} ${it.name}: ${it.bytes === null ? "its memory is not told" : gigabytes(it.bytes)}`,
    ),
  ]);
  for (const it of makes) lines.push(`${it.vendor}: ${it.state}, ${it.reason}`);
  return lines;
}

/** Only what its driver tells. */
function measures(gpu: FoundGpu): string[] {
  const { usedBytes, totalBytes, pressure, celsius, powerWatts, powerLimitWatts, busyPercent, brakes, fault } = gpu;
  const limit = powerLimitWatts === null ? "" : ` of ${Math.round(powerLimitWatts)}`;
  // A card that has nothing to do is slow, and not slowed down.
  const slowers = (brakes ?? []).filter((it) => it !== "idle");
  const all = [
    fault,
    totalBytes === null ? "memory is not told" : memory(totalBytes, usedBytes),
    pressure === null ? null : `pressure ${pressure}`,
    busyPercent === null ? null : `${Math.round(busyPercent)} % busy`,
    celsius === null ? null : `${Math.round(celsius)} °C`,
    powerWatts === null ? null : `${Math.round(powerWatts)}${limit} W`,
    slowers.length === 0 ? null : `slowed down by: ${slowers.join(", ")}`,
    ...identity(gpu),
  ];
  return all.filter((it) => it !== null);
}

function identity({ computeCapability, driver, uuid }: GpuReading): (string | null)[] {
  return [
    computeCapability === null ? null : `compute capability ${computeCapability}`,
    driver === null ? null : `driver ${driver}`,
    uuid,
  ];
}

function memory(totalBytes: number, usedBytes: number | null): string {
  return usedBytes === null ? gigabytes(totalBytes) : `${gigabytes(usedBytes)} of ${gigabytes(totalBytes)} used`;
}

function setUp(advice: Examination["advice"]): string {
  const { backend, quantisation, maxBatch, maxContextTokens, hasFlashAttention, gpuLayers, memoryPercent, layout } =
    advice;
  return [
    `${backend} with ${quantisation}`,
    layout,
    maxBatch === 1 ? "one request at a time" : `${maxBatch} requests at once`,
    `context of ${maxContextTokens} tokens`,
    `flash attention ${hasFlashAttention ? "on" : "off"}`,
    `layers on the GPU: ${gpuLayers}`,
    ...(memoryPercent === null ? [] : [`${memoryPercent} % of the memory`]),
  ].join(", ");
}

function modelText({ role, id, where, state, bytes }: FoundModel): string {
  const words = {
    here: "it is here",
    "to-download": `downloaded at its first use${bytes === null ? "" : ` (${(bytes / 1e9).toFixed(2)} GB)`}`,
    "no-such-file": "there is no such file",
    unknown: "there is no such model",
    endpoint: "served there",
  };
  return `${role}: ${id} on ${where}, ${words[state]}`;
}

function orchestratorText(found: FoundOrchestrator): string {
  switch (found.state) {
    case "running":
      return [
        `process ${found.pid} of version ${found.version}`,
        ...(found.engines === undefined ? [] : [`${found.engines} engines`]),
        ...(found.clients === undefined ? [] : [`${found.clients} other clients`]),
      ].join(", ");
    case "none":
      return "none runs; the first command or window that needs one starts it";
    case "unreachable":
      return found.reason;
  }
}

/** Binary units, as memory is sold. */
function gigabytes(bytes: number): string {
  const value = bytes / 1024 ** 3;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} GB`;
}
