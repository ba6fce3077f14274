import type { DeviceFact } from "../../server/core/govern/event.ts";
import { pressureAt } from "../../server/core/pressure.ts";
import type { Health } from "../../server/core/telemetry.ts";
import type { ThermalLevel } from "../../server/core/thermal.ts";
import type { Devices } from "../../server/slot/owner.ts";

export const GB = 1_024 ** 3;
const RESERVE_BYTES = 2 * GB;

/** One GPU and main memory as a driver would show them: what our processes hold, what others do, how warm it is. */
export interface FakeCard extends Devices {
  readonly name: string;
  /** From pid to bytes of the GPU; models write here when they are loaded and unloaded. */
  readonly holds: Map<number, number>;
  /** What a game, a browser or another server holds. */
  foreignBytes: number;
  health: Health;
  thermal: ThermalLevel;
  /** The driver has been read anew. */
  report(): void;
}

export function fakeCard(totalBytes: number, name = "GPU-1"): FakeCard {
  const listeners = new Set<() => void>();
  const card: FakeCard = {
    name,
    holds: new Map(),
    foreignBytes: 0,
    health: "ok",
    thermal: "normal",
    facts(owned) {
      const held = new Map<string, number>();
      for (const [key, pid] of owned) if (card.holds.has(pid)) held.set(key, card.holds.get(pid) ?? 0);
      const usedBytes = card.foreignBytes + [...card.holds.values()].reduce((sum, it) => sum + it, 0);
      const { health, thermal } = card;
      const gpu: DeviceFact = {
        ...{
          device: name,
          name: "RTX 3090",
          totalBytes,
          usedBytes,
          reserveBytes: RESERVE_BYTES,
          health,
          thermal,
          held,
        },
        pressure: pressureAt({ usedBytes, totalBytes }),
      };
      return [gpu, mainMemory];
    },
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    report() {
      for (const it of listeners) it();
    },
  };
  return card;
}

const mainMemory: DeviceFact = {
  ...{ device: "cpu", name: "main memory", totalBytes: 32 * GB, usedBytes: 8 * GB, reserveBytes: GB },
  ...{ health: "ok", pressure: "normal", thermal: "normal", held: new Map() },
};
