import { PERIOD_MS, type Report } from "../core/telemetry.ts";
import { TandemError } from "../errors.ts";
import { DRM, watchAmd } from "./amd.ts";
import { watchApple } from "./apple.ts";
import { createDrmClients } from "./drmClients.ts";
import { hidesProcesses } from "./hiding.ts";
import { timesFor } from "./looped.ts";
import { watchNvidia } from "./nvidia.ts";
import type { GpuSource } from "./source.ts";
import { findTool } from "./tool.ts";

/** A way to read the GPUs of one make, to be begun when somebody wants to know. */
export interface NamedSource {
  readonly name: "nvidia" | "amd" | "apple";
  start(report: (report: Report) => void): Promise<GpuSource> | GpuSource;
}

/** What can be read on this kind of machine. Other makes, and AMD beside Linux, are not known of: there they are no GPU. */
export function gpuSources(env: NodeJS.ProcessEnv = process.env): NamedSource[] {
  const periodMs = periodMsFrom(env);
  const nvidia: NamedSource = {
    name: "nvidia",
    async start(report) {
      const [tool, isHidden] = await Promise.all([findTool("nvidia-smi", env), hidesProcesses()]);
      return watchNvidia({ tool: tool === null ? null : [tool], report, isHidden, times: timesFor(periodMs) });
    },
  };
  if (process.platform === "darwin")
    return process.arch === "arm64" ? [{ name: "apple", start: (report) => watchApple({ report, periodMs }) }] : [];
  if (process.platform !== "linux") return [nvidia];
  return [
    nvidia,
    { name: "amd", start: (report) => watchAmd({ root: DRM, clients: createDrmClients(), periodMs, report }) },
  ];
}

const SHORTEST_MS = 50;
const LONGEST_MS = 60_000;

/** How often GPUs are read: `TANDEM_GPU_PERIOD_MS`, else once a second. Throws TandemError bad-input. */
export function periodMsFrom(env: Readonly<Record<string, string | undefined>>): number {
  const given = env.TANDEM_GPU_PERIOD_MS;
  if (given === undefined || given === "") return PERIOD_MS;
  const ms = Number(given);
  if (Number.isInteger(ms) && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  const nextStep = `Give milliseconds from ${SHORTEST_MS} to ${LONGEST_MS}, or leave it out`;
  throw new TandemError("bad-input", `TANDEM_GPU_PERIOD_MS is "${given}"`, nextStep);
}
