import type { Hardware } from "../core/choose.ts";
import type { GpuState } from "../core/telemetry.ts";
import type { Clock, Log } from "../ports.ts";
import type { Detected } from "./detect.ts";

/** What models can be planned for. Looked at when first asked for, and again when a GPU is heard of that was not seen then. */
export interface HardwareOwner {
  /** As it was last looked at; the first one who asks looks. */
  now(): Promise<Hardware>;
  /** Its GPUs; none before anybody has asked. */
  gpus(): Hardware["gpus"];
  /** Calls when there are other GPUs than before. */
  listen(listener: () => void): Disposable;
}

export interface HardwareDeps {
  /** Looks. Never throws, and never waits for a driver that hangs. */
  readonly detect: () => Promise<Detected>;
  readonly monitor: {
    now(): { readonly gpus: readonly Pick<GpuState, "reading" | "health">[] };
    listen(listener: () => void): Disposable;
  };
  readonly clock: Clock;
  readonly log: Log;
}

/** A tool that hung once may do so again: not sooner than this, and not more often for one card. */
const AGAIN_MS = 30_000;
const MOST_LOOKS = 3;

export function createHardware({ detect, monitor, clock, log }: HardwareDeps): HardwareOwner {
  const listeners = new Set<() => void>();
  const looks = new Map<string, number>();
  let first: Promise<Detected> | null = null;
  let latest: Detected | null = null;
  let nextMs = 0;
  let isLooking = false;

  const heard = () => monitor.now().gpus.flatMap((it) => (it.health === "ok" ? [it.reading.uuid] : []));

  function notice(): void {
    if (latest === null || isLooking || clock.nowMs() < nextMs) return;
    const { seen } = latest;
    const missed = heard().filter((it) => !seen.includes(it) && (looks.get(it) ?? 0) < MOST_LOOKS);
    if (missed.length === 0) return;
    for (const it of missed) looks.set(it, (looks.get(it) ?? 0) + 1);
    void again(latest); // it never fails
  }

  async function again(before: Detected): Promise<void> {
    isLooking = true;
    const found = await detect();
    isLooking = false;
    nextMs = clock.nowMs() + AGAIN_MS;
    // Another tool may hang this time: what it told of stays, unless it is gone indeed.
    const well = heard();
    if (before.seen.some((it) => well.includes(it) && !found.seen.includes(it))) return;
    latest = found;
    if (JSON.stringify(found.hardware.gpus) === JSON.stringify(before.hardware.gpus)) return;
    log.info("GPUs found", { gpus: found.hardware.gpus.map((it) => it.name) });
    for (const it of [...listeners]) it();
  }

  async function look(): Promise<Detected> {
    latest = await detect();
    monitor.listen(notice);
    notice();
    return latest;
  }

  return {
    async now() {
      first ??= look();
      const found = await first;
      return (latest ?? found).hardware;
    },
    gpus: () => latest?.hardware.gpus ?? [],
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
}
