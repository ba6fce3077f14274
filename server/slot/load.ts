import type { Option } from "../core/govern/loadable.ts";
import { TandemError } from "../errors.ts";
import type { Engine } from "../ports.ts";
import { type BreakerDeps, failedToOpen } from "./breaking.ts";
import { failed, worked } from "./rates.ts";
import type { Emit, GovernNews, Slot, SlotDeps } from "./state.ts";

/** What loading works with: how the governor and those who wait hear of it. */
export interface LoadDeps extends SlotDeps, BreakerDeps {
  readonly tell: (news: GovernNews) => void;
  readonly announce: (slot: Slot, event: Parameters<Emit>[0]) => void;
}

/** Loads the engine in one of its ways, for all who wait for it. Its outcome is told, never thrown. */
export function load(slot: Slot, { option, why }: { option: string; why: string }, deps: LoadDeps): void {
  const abort = new AbortController();
  deps.log.info("engine loading", { engine: slot.place.config.id, model: slot.place.expected.id, on: option, why });
  // In a turn of its own: what the governor hears of it comes after what it has just decided.
  const done = Promise.resolve().then(() => attempt(slot, option, abort.signal, deps));
  slot.loading = { done, abort };
  deps.onChange();
}

async function attempt(slot: Slot, optionId: string, signal: AbortSignal, deps: LoadDeps): Promise<void> {
  const startedMs = deps.clock.nowMs();
  const emit: Emit = (event) => deps.announce(slot, event);
  try {
    const engine = await open(slot, optionId, emit, signal);
    const tookMs = deps.clock.nowMs() - startedMs;
    slot.engine = engine;
    slot.fault = null;
    slot.rates.loadMs = tookMs;
    worked(slot.rates);
    const { model, device, pid, slots, held } = engine;
    const { id } = slot.place.config;
    deps.log.info("engine ready", { engine: id, model: model.id, device, pid, ms: Math.round(tookMs) });
    emit({ kind: "ready", engine: id, model, tookMs });
    void engine.gone.then((why) => leave(slot, engine, why, deps));
    slot.loading = null;
    const isElsewhere = device === "cpu" && optionId !== "cpu";
    const place = isElsewhere ? ({ isOnProcessor: true } as const) : {};
    deps.tell({ kind: "loaded", key: slot.handle, held, slots, tookMs, ...place });
  } catch (error) {
    slot.loading = null;
    slot.unloads++;
    // Who unloads it tells of it.
    if (signal.aborted && slot.unloading === null) deps.tell({ kind: "unloaded", key: slot.handle });
    if (!signal.aborted) fail(slot, error, deps);
  } finally {
    deps.onChange();
  }
}

async function open(slot: Slot, optionId: string, emit: Emit, signal: AbortSignal): Promise<Engine> {
  const { prepared } = slot;
  const option: Option | undefined = prepared?.loadable.options.find((it) => it.id === optionId);
  if (!prepared || !option) throw gone(slot, optionId);
  const engine = await prepared.open(option, emit, signal);
  if (!signal.aborted) return engine;
  await engine[Symbol.asyncDispose]();
  throw signal.reason;
}

/** GPUs that were there a moment ago. */
function gone(slot: Slot, optionId: string): TandemError {
  const { label } = slot.place.expected;
  return new TandemError("no-memory", `${label} can no longer be put on ${optionId}`, "Run it again");
}

function fail(slot: Slot, error: unknown, deps: LoadDeps): void {
  const { log, tell } = deps;
  slot.fault = error;
  failedToOpen(slot, error, deps);
  failed(slot.rates);
  const why = error instanceof TandemError && error.code === "no-memory" ? "no-memory" : "other";
  const message = error instanceof Error ? error.message : String(error);
  log.warn("engine not loaded", { engine: slot.place.config.id, why, reason: message });
  tell({ kind: "load-failed", key: slot.handle, why, message });
}

/** An engine that left by itself is loaded anew by the next task. */
function leave(slot: Slot, engine: Engine, why: string, { log, onChange, tell }: LoadDeps): void {
  // Who unloads it tells of it.
  if (slot.engine !== engine || slot.unloading !== null) return;
  slot.engine = null;
  slot.unloads++;
  failed(slot.rates);
  log.warn("engine gone", { engine: slot.place.config.id, why });
  tell({ kind: "unloaded", key: slot.handle });
  onChange();
}
