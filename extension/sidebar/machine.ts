import { cpus, freemem, totalmem } from "node:os";
import type { Machine } from "../../webview/sidebar/messages.ts";

/** Reads the machine; how busy its processor was is of the time since it was last read. */
export function createMeter(read: () => readonly Core[] = cpus): () => Machine {
  let before: Times | null = null;
  return () => {
    const now = timesOf(read());
    const busyPercent = before && busyBetween(before, now);
    before = now;
    return { busyPercent, totalBytes: totalmem(), freeBytes: freemem() };
  };
}

interface Core {
  readonly times: Readonly<Record<"user" | "nice" | "sys" | "idle" | "irq", number>>;
}

interface Times {
  readonly idleMs: number;
  readonly allMs: number;
}

function timesOf(cores: readonly Core[]): Times {
  const sum = (of: (it: Core["times"]) => number) => cores.reduce((total, { times }) => total + of(times), 0);
  return { idleMs: sum((it) => it.idle), allMs: sum((it) => it.user + it.nice + it.sys + it.idle + it.irq) };
}

/** Null where no time has passed. */
function busyBetween(before: Times, now: Times): number | null {
  const passedMs = now.allMs - before.allMs;
  if (passedMs <= 0) return null;
  return Math.min(100, Math.max(0, 100 * (1 - (now.idleMs - before.idleMs) / passedMs)));
}
