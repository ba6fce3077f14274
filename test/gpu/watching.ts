import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../server/core/telemetry.ts";
import type { Times } from "../../server/gpu/looped.ts";
import { watchNvidia } from "../../server/gpu/nvidia.ts";
import { isAlive } from "../../server/platform/processes.ts";
import type { FakeSmi } from "./smi.ts";

/** In more of a hurry than the product. */
export const TIMES: Times = {
  periodMs: 20,
  firstMs: 1_500,
  silenceMs: 1_500,
  pauseMs: 5,
  longestPauseMs: 20,
  killMs: 5_000,
};

/** Watches until a report satisfies `isIt`, and returns all there were. */
export async function until(
  smi: FakeSmi,
  isIt: (report: Report, all: readonly Report[]) => boolean,
  given: Partial<Parameters<typeof watchNvidia>[0]> = {},
): Promise<Report[]> {
  const all: Report[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error(`not among ${JSON.stringify(all.slice(-5))}`)), 20_000);
  const source = watchNvidia({
    tool: smi.tool,
    times: TIMES,
    ...given,
    report(report) {
      all.push(report);
      if (all.length > 2_000) all.splice(0, 1_000);
      if (isIt(report, all)) resolve();
    },
  });
  try {
    await promise;
  } finally {
    clearTimeout(late);
    await source[Symbol.asyncDispose]();
  }
  return all;
}

export const isReading = (report: Report) => report.kind === "reading";

/** The system takes its time to collect them. */
export async function gone(pids: readonly number[]): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (pids.some(isAlive)) {
    assert.ok(performance.now() < endMs, `${pids.filter(isAlive)} still run`);
    await sleep(10);
  }
}
