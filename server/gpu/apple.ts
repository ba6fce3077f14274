import { cpus, totalmem } from "node:os";
import type { GpuReading } from "../core/telemetry.ts";
import type { GpuSource, SourceDeps } from "./source.ts";

/**
 * How much of a Mac's unified memory Metal lets a process use, as `recommendedMaxWorkingSetSize` tells it on the machines people have
 * reported: about two thirds up to 36 GB, three quarters above. A limit that its user has raised (`iogpu.wired_limit_mb`) is not seen.
 */
export function metalBytes(memoryBytes: number): number {
  const [times, of] = memoryBytes <= SMALL_BYTES ? [2, 3] : [3, 4];
  return Math.floor((memoryBytes * times) / of);
}

const SMALL_BYTES = 36 * 1024 ** 3;

/**
 * The GPU of Apple silicon. It shares the machine's memory; without an administrator's rights the system tells neither how much of it
 * the GPU uses nor how warm it is, so nothing is claimed about either.
 */
export function watchApple({ report, periodMs }: SourceDeps & { readonly periodMs: number }): GpuSource {
  const gpu = readApple();
  report({ kind: "reading", gpu });
  const timer = setInterval(() => report({ kind: "reading", gpu }), periodMs).unref();
  return { [Symbol.asyncDispose]: async () => clearInterval(timer) };
}

export function readApple(): GpuReading {
  return {
    uuid: "apple-0",
    vendor: "apple",
    index: 0,
    name: cpus()[0]?.model ?? "Apple silicon",
    totalBytes: metalBytes(totalmem()),
    usedBytes: null,
    freeBytes: null,
    busyPercent: null,
    celsius: null,
    powerWatts: null,
    powerLimitWatts: null,
    coreMegahertz: null,
    memoryMegahertz: null,
    brakes: null,
    computeCapability: null,
    driver: null,
    isPartitioned: false,
    processes: null,
    fault: null,
  };
}
