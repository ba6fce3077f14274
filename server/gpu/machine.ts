import type { GpuReading, Report } from "../core/telemetry.ts";
import { DRM, readAmdOnce } from "./amd.ts";
import { readApple } from "./apple.ts";
import { createDrmClients } from "./drmClients.ts";
import { hidesProcesses } from "./hiding.ts";
import { readNvidiaOnce } from "./nvidiaOnce.ts";
import type { Instance } from "./nvidiaRow.ts";
import { findTool } from "./tool.ts";

/** All GPUs of this machine, as they are at one moment. */
export interface MachineGpus {
  readonly gpus: readonly GpuReading[];
  /** What NVIDIA's partitioned cards are cut into. */
  readonly instances: readonly Instance[];
  /** What each make said beside its readings. */
  readonly said: readonly {
    readonly vendor: GpuReading["vendor"];
    readonly report: Exclude<Report, { kind: "reading" }>;
  }[];
}

export interface MachineDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

/** Reads every make that this kind of machine can have, once. Never throws, and never waits for a driver that hangs. */
export async function readMachineGpus({ env, platform, arch }: MachineDeps, signal: AbortSignal): Promise<MachineGpus> {
  if (platform === "darwin") {
    const report = { kind: "absent", reason: "Macs without Apple silicon have no GPU that Tandem uses" } as const;
    if (arch !== "arm64") return { gpus: [], instances: [], said: [{ vendor: "apple", report }] };
    return { gpus: [readApple()], instances: [], said: [] };
  }
  const [tool, isHidden] = await Promise.all([findTool("nvidia-smi", env), hidesProcesses(platform)]);
  const [nvidia, amd] = await Promise.all([
    readNvidiaOnce({ tool: tool === null ? null : [tool], isHidden }, signal),
    platform === "linux" ? readAmd() : [],
  ]);
  const said = amd.flatMap((it) => (it.kind === "reading" ? [] : [{ vendor: "amd" as const, report: it }]));
  return {
    gpus: [...nvidia.gpus, ...amd.flatMap((it) => (it.kind === "reading" ? [it.gpu] : []))],
    instances: nvidia.instances,
    said: nvidia.report ? [{ vendor: "nvidia", report: nvidia.report }, ...said] : said,
  };
}

/** Processes are looked for where there is a card only. */
async function readAmd(): Promise<Report[]> {
  const reports = await readAmdOnce({ root: DRM, holders: new Map() });
  if (reports.every((it) => it.kind !== "reading")) return reports;
  return readAmdOnce({ root: DRM, holders: await createDrmClients().read() });
}
