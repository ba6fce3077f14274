/** How often time is told: while somebody waits for memory or a load, while something is loaded, and while nothing is. */
export type Pace = "quick" | "slow" | "none";

/** As often as Ollama looks whether memory is free after an unload. */
const QUICK_MS = 250;
/** Idle times are counted in tens of seconds. */
const SLOW_MS = 1_000;

export interface Heartbeat {
  readonly isBeating: boolean;
  set(pace: Pace): void;
  stop(): void;
}

/** Calls `beat` at the pace that was last set, and not at all at none. It keeps no process alive. */
export function createHeartbeat(beat: () => void): Heartbeat {
  let timer: NodeJS.Timeout | undefined;
  let current: Pace = "none";
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    get isBeating() {
      return timer !== undefined;
    },
    set(pace) {
      if (pace === current) return;
      current = pace;
      stop();
      if (pace !== "none") timer = setInterval(beat, pace === "quick" ? QUICK_MS : SLOW_MS).unref();
    },
    stop,
  };
}
