import { breakerView } from "../core/breaker.ts";
import { type GovernState, isResident, type Model, optionOf } from "../core/govern/state.ts";
import { addressOf, backendOf } from "../core/route/backend.ts";
import type { EngineView } from "../core/route.ts";
import type { EngineStatus } from "../protocol/status.ts";
import { modelOf, type Slot } from "./state.ts";

/** What routing sees of an engine at this time of the governor's clock. */
export function viewOf(slot: Slot, nowMs: number): EngineView {
  const { place, engine, rates } = slot;
  const { id, roles, source } = place.config;
  return {
    ...{ id, roles, kind: kindOf(slot), device: deviceOf(slot) },
    model: modelOf(slot),
    isResident: engine !== null,
    hasRelay: relayOf(slot),
    serves: engine?.serves ?? [],
    slots: engine?.slots ?? 1,
    load: slot.turns.size + slot.asks.size,
    prefillPerSecond: rates.alone.prefillPerSecond,
    decodePerSecond: rates.alone.decodePerSecond,
    // A server that is already there has nothing to load.
    loadMs: rates.loadMs ?? (source.kind === "endpoint" ? 0 : null),
    failures: rates.failures,
    reliability: rates.reliability,
    backend: backendOf(source),
    address: addressOf(source),
    cache: engine && `${slot.handle}.${slot.unloads}.${slot.trims}`,
    breaker: breakerView(slot.breaker, nowMs),
    isCloud: isCloud(slot),
  };
}

/** What people and programs are told of an engine; `nowMs` is of the governor's clock. */
export function statusOf(slot: Slot, governed: GovernState, nowMs: number): Omit<EngineStatus, "users"> {
  const { place, engine, rates } = slot;
  const model = governed.models.get(slot.handle);
  const idleSinceMs = engine && slot.turns.size === 0 ? (model?.idleMs ?? null) : null;
  return {
    ...{ id: place.config.id, handle: slot.handle, roles: [...place.config.roles] },
    ...{ kind: kindOf(slot), device: deviceOf(slot), model: modelOf(slot) },
    state: stateOf(slot),
    queued: slot.asks.size,
    isBusy: slot.turns.size > 0,
    active: slot.turns.size,
    slots: engine?.slots ?? 1,
    failures: rates.failures,
    breaker: breakerView(slot.breaker, nowMs),
    isCloud: isCloud(slot),
    pid: engine?.pid ?? null,
    prefillTokensPerSecond: rates.prefillPerSecond,
    decodeTokensPerSecond: rates.decodePerSecond,
    loadMs: rates.loadMs,
    memory: model ? memoryOf(model, governed) : [],
    isPinned: slot.isPinned,
    placement: engine?.placement ?? null,
    idleMs: idleSinceMs === null ? null : Math.max(0, Math.round(nowMs - idleSinceMs)),
    waitsFor: [...slot.asks].find((it) => it.why !== null)?.why ?? null,
  };
}

function stateOf({ engine, loading, preparing, rates }: Slot): EngineStatus["state"] {
  if (engine) return "ready";
  if (loading || preparing) return "loading";
  return rates.failures > 0 ? "failed" : "idle";
}

/** What the driver shows of its process, else what it says itself, else what was reckoned. */
function memoryOf(model: Model, { devices }: GovernState): EngineStatus["memory"] {
  const option = optionOf(model);
  if (!option || !isResident(model)) return [];
  const said = model.held ?? [];
  const names = new Set([...option.needs, ...said].map((it) => it.device));
  return [...names].map((device) => {
    const seen = devices.get(device)?.fact.held.get(model.key) ?? said.find((it) => it.device === device)?.bytes;
    const reckoned = option.needs.find((it) => it.device === device)?.bytes ?? 0;
    return { device, bytes: seen ?? reckoned, isMeasured: seen !== undefined };
  });
}

function isCloud({ place }: Slot): boolean {
  const { source } = place.config;
  return source.kind === "endpoint" && source.isCloud === true;
}

function kindOf({ place }: Slot): EngineStatus["kind"] {
  return place.config.source.kind === "endpoint" ? "endpoint" : "embedded";
}

/** Every endpoint takes OpenAI's requests; of our own engines those that are servers do. */
function relayOf({ engine, place }: Slot): boolean | null {
  if (engine) return engine.relay !== null;
  return place.config.source.kind === "endpoint" ? true : null;
}

function deviceOf({ engine, place }: Slot): string {
  if (engine) return engine.device;
  const { source } = place.config;
  return source.kind === "endpoint" ? source.url : source.device;
}
