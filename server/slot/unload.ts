import { TandemError } from "../errors.ts";
import type { LoadDeps } from "./load.ts";
import type { Slot } from "./state.ts";

/** What a trim may take; the engine answers no request meanwhile. */
const TRIM_MS = 10_000;

/** Ends the engine, and tells when its process is gone. Requests under way have `graceMs` to end by themselves. */
export function unload(slot: Slot, { why, graceMs }: { why: string; graceMs: number }, deps: LoadDeps): void {
  if (slot.unloading !== null) return;
  // In a turn of its own, as a load is.
  slot.unloading = Promise.resolve().then(async () => {
    if (!slot.loading) await turnsEnd(slot, graceMs);
    await end(slot, endedFor(slot, why)).catch((error: unknown) =>
      deps.log.error("engine not closed", { engine: slot.place.config.id, reason: String(error) }),
    );
    slot.unloading = null;
    slot.unloads++;
    deps.log.info("engine unloaded", { engine: slot.place.config.id, model: slot.place.expected.id, why });
    deps.tell({ kind: "unloaded", key: slot.handle });
    deps.onChange();
  });
  deps.onChange();
}

/** Breaks off what it does, and resolves when its process is gone, one that is still loading included. */
export async function end(slot: Slot, reason: TandemError): Promise<void> {
  slot.loading?.abort.abort(reason);
  await slot.loading?.done;
  for (const it of [...slot.turns]) it.abort(reason);
  const { engine } = slot;
  slot.engine = null;
  await engine?.[Symbol.asyncDispose]();
}

/** Resolves when no turn is left, or the time is over. */
async function turnsEnd(slot: Slot, graceMs: number): Promise<void> {
  if (slot.turns.size === 0 || graceMs <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, graceMs);
  slot.onIdle.add(resolve);
  await promise;
  slot.onIdle.delete(resolve);
  clearTimeout(timer);
}

function endedFor(slot: Slot, why: string): TandemError {
  return new TandemError(
    "no-memory",
    `${slot.place.expected.label} was unloaded while it answered: ${why}`,
    "Run it again: it waits until there is room; or close what takes the memory",
    { isRetryable: true },
  );
}

/** Keys and values go, the weights stay. One that fails costs nothing but the memory. */
export function trim(slot: Slot, why: string, { log }: LoadDeps): void {
  const { engine } = slot;
  if (!engine?.trim) return;
  slot.trims++;
  engine.trim(AbortSignal.timeout(TRIM_MS)).then(
    () => log.info("engine trimmed", { engine: slot.place.config.id, why }),
    (error: unknown) => log.warn("engine not trimmed", { engine: slot.place.config.id, reason: String(error) }),
  );
}
