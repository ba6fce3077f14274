import type { EngineView } from "./core/route.ts";
import { TandemError } from "./errors.ts";
import type { EngineStatus } from "./protocol/status.ts";
import { createSlot, type EngineSlot, type Lease } from "./slot/slot.ts";
import type { Emit, Place, SlotDeps } from "./slot/state.ts";

export interface Scheduler extends AsyncDisposable {
  /** What routing sees. It advises; `acquire` decides. */
  snapshot(): EngineView[];
  status(): EngineStatus[];
  /** Waits for a turn, then for the engine to be loaded. Throws TandemError: not-configured, cancelled, model-unavailable … */
  acquire(id: string, emit: Emit, signal: AbortSignal): Promise<Lease>;
  /** A turn that is free this moment; null where one would have to wait. */
  tryAcquire(id: string): Lease | null;
  /** Replaces the engines; those that stay the same stay loaded, the others are closed once idle. */
  configure(places: readonly Place[]): void;
}

/** Owns the engines: which there are, who uses them and who waits. */
export function createScheduler(deps: SlotDeps): Scheduler {
  let slots = new Map<string, EngineSlot>();
  const retired = new Set<EngineSlot>();

  function configure(places: readonly Place[]): void {
    const next = new Map<string, EngineSlot>();
    for (const place of places) {
      const old = slots.get(place.config.id);
      next.set(place.config.id, old && isSame(old.place, place) ? old : createSlot(place, deps));
    }
    for (const [id, slot] of slots) {
      if (next.get(id) === slot) continue;
      retired.add(slot);
      slot.retire();
    }
    slots = next;
    deps.onChange();
  }

  return {
    configure,
    snapshot: () => [...slots.values()].map((it) => it.view()),
    status: () => [...slots.values()].map((it) => it.status()),
    async acquire(id, emit, signal) {
      const slot = slots.get(id);
      if (slot) return slot.acquire(emit, signal);
      throw new TandemError("not-configured", `There is no engine "${id}"`, "Check tandem.draft and tandem.audit");
    },
    tryAcquire: (id) => slots.get(id)?.tryAcquire() ?? null,
    async [Symbol.asyncDispose]() {
      await Promise.all([...slots.values(), ...retired].map((it) => it.close()));
    },
  };
}

function isSame(a: Place, b: Place): boolean {
  return JSON.stringify(a.config) === JSON.stringify(b.config);
}
