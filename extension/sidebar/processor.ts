import { cpus } from "node:os";

/** Tells the share of all cores that was busy since it was last asked, in percent; null at first. */
export function createProcessorMeter(read: () => readonly Core[] = cpus): () => number | null {
  let before: Times | null = null;
  return () => {
    const now = timesOf(read());
    const passed = before && now.allMs - before.allMs;
    const percent = before && passed ? 100 * (1 - (now.idleMs - before.idleMs) / passed) : null;
    before = now;
    return percent === null ? null : Math.min(100, Math.max(0, percent));
  };
}

interface Core {
  readonly times: {
    readonly user: number;
    readonly nice: number;
    readonly sys: number;
    readonly idle: number;
    readonly irq: number;
  };
}

interface Times {
  readonly idleMs: number;
  readonly allMs: number;
}

function timesOf(cores: readonly Core[]): Times {
  const sum = (of: (it: Core["times"]) => number) => cores.reduce((total, { times }) => total + of(times), 0);
  return { idleMs: sum((it) => it.idle), allMs: sum((it) => it.user + it.nice + it.sys + it.idle + it.irq) };
}
