import type { Report } from "../core/telemetry.ts";
import { DRM, watchAmd } from "./amd.ts";
import { watchApple } from "./apple.ts";
import { hidesProcesses } from "./hiding.ts";
import { TIMES } from "./looped.ts";
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
  const { periodMs } = TIMES;
  const nvidia: NamedSource = {
    name: "nvidia",
    async start(report) {
      const [tool, isHidden] = await Promise.all([findTool("nvidia-smi", env), hidesProcesses()]);
      return watchNvidia({ tool: tool === null ? null : [tool], report, isHidden });
    },
  };
  if (process.platform === "darwin")
    return process.arch === "arm64" ? [{ name: "apple", start: (report) => watchApple({ report, periodMs }) }] : [];
  if (process.platform !== "linux") return [nvidia];
  return [nvidia, { name: "amd", start: (report) => watchAmd({ root: DRM, periodMs, report }) }];
}
