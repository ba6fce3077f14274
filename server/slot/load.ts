import { abortError, throwIfAborted } from "../errors.ts";
import type { Engine } from "../ports.ts";
import type { Emit, Loading, SlotDeps, SlotState } from "./state.ts";

/** The engine, loaded if need be. Cancelling leaves the load to the others who wait for it. */
export async function loaded(state: SlotState, deps: SlotDeps, emit: Emit, signal: AbortSignal): Promise<Engine> {
  // A load that was given up must be over before the next one begins: both would want the memory.
  while (state.loading?.abort.signal.aborted) await state.loading.done.catch(() => undefined);
  throwIfAborted(signal);
  if (state.engine) return state.engine;
  state.loading ??= load(state, deps);
  const loading = state.loading;
  loading.listeners.add(emit);
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(abortError(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([loading.done, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    loading.listeners.delete(emit);
    if (loading.listeners.size === 0 && state.loading === loading) loading.abort.abort(signal.reason);
  }
}

/** One load, however many wait for it. */
function load(state: SlotState, deps: SlotDeps): Loading {
  const abort = new AbortController();
  const listeners = new Set<Emit>();
  const emit: Emit = (event) => {
    for (const listener of listeners) listener(event);
  };
  const done = open(state, deps, emit, abort.signal);
  done.catch(() => undefined); // every waiter sees the rejection through its own race
  deps.onChange();
  return { done, abort, listeners };
}

async function open(state: SlotState, deps: SlotDeps, emit: Emit, signal: AbortSignal): Promise<Engine> {
  const { id } = state.place.config;
  const startedMs = deps.clock.nowMs();
  try {
    const { loadable, open } = await state.place.prepare(emit, signal);
    const [option] = loadable.options;
    if (!option) throw new Error("no way to load it");
    const engine = await open(option, emit, signal);
    const tookMs = deps.clock.nowMs() - startedMs;
    Object.assign(state, { engine, loadMs: tookMs, failures: 0 });
    const { model, device, pid } = engine;
    deps.log.info("engine ready", { engine: id, model: model.id, device, pid, ms: Math.round(tookMs) });
    emit({ kind: "ready", engine: id, model, tookMs });
    void engine.gone.then((why) => forget(state, engine, why, deps));
    return engine;
  } catch (error) {
    if (!signal.aborted) state.failures++;
    throw error;
  } finally {
    state.loading = null;
    deps.onChange();
  }
}

/** An engine that left by itself is loaded anew by the next task. */
function forget(state: SlotState, engine: Engine, why: string, { log, onChange }: SlotDeps): void {
  if (state.engine !== engine) return;
  state.engine = null;
  state.failures++;
  log.warn("engine gone", { engine: state.place.config.id, why });
  onChange();
}
