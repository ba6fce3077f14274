import { type Instance, parseInstances } from "./nvidiaRow.ts";
import { printed } from "./printed.ts";
import type { Command } from "./tool.ts";

/** What cards are cut into (MIG), looked up when a card says that it is cut. */
export interface Instances {
  /** As far as it is known; asks for it when that was long ago. Never waits. */
  now(): readonly Instance[];
}

/** Cutting a card anew takes an administrator: rarely, and a process among the unknown instances is shown a moment later. */
const AGAIN_MS = 60_000;
const PATIENCE_MS = 10_000;

/** One `nvidia-smi -L` a minute at most, and none where no card is cut. */
export function createInstances(tool: Command, nowMs: () => number): Instances {
  let known: readonly Instance[] = [];
  let askedMs: number | null = null;
  const ask = async () => {
    const answer = await printed([...tool, "-L"], AbortSignal.timeout(PATIENCE_MS));
    if (answer !== "silent" && answer.code === 0) known = parseInstances(answer.out);
  };
  return {
    now() {
      if (askedMs === null || nowMs() - askedMs > AGAIN_MS) {
        askedMs = nowMs();
        void ask(); // it never rejects: `printed` tells of every failure
      }
      return known;
    },
  };
}
