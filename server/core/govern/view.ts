import { claimOf, needsOf, releasedOn, roomOn } from "./ledger.ts";
import { BACKGROUND_PATIENCE, passedSinceMs } from "./line.ts";
import type { Need } from "./loadable.ts";
import { residencyOf } from "./plan.ts";
import { patienceWith } from "./relieve.ts";
import type { GovernRules } from "./rules.ts";
import { type Asked, type GovernState, isResident, type Model, optionOf, type Phase } from "./state.ts";

/** A model as the governor sees it, for a status. */
export interface ModelView {
  readonly key: string;
  readonly label: string;
  readonly phase: Phase["kind"];
  /** The way it is loaded or will be; null: none. */
  readonly option: string | null;
  /** What it is counted with, by device; empty when it is not in memory. */
  readonly memory: readonly Need[];
  readonly slots: number;
  readonly active: number;
  readonly waiting: number;
  /** What the first of those that wait was told; null: nobody waits. */
  readonly waitsFor: string | null;
  readonly isPinned: boolean;
  /** Since when nobody uses it; null while somebody does, and while it is not loaded. */
  readonly idleSinceMs: number | null;
  readonly failures: number;
  readonly failure: string | null;
}

/** Null for a model that the governor has not heard of. */
export function viewOf(state: GovernState, key: string): ModelView | null {
  const model = state.models.get(key);
  if (!model) return null;
  const waiting = [...state.requests.values()].filter((it) => it.grant === null && it.target === key);
  const first = waiting.find((it) => it.told?.position === 1) ?? waiting[0];
  return {
    key,
    label: model.loadable.label,
    phase: model.phase.kind,
    option: optionOf(model)?.id ?? null,
    memory: memoryOf(state, model),
    slots: model.slots,
    active: model.active,
    waiting: waiting.length,
    waitsFor: first?.told?.why ?? null,
    isPinned: model.isPinned,
    idleSinceMs: isResident(model) ? model.idleMs : null,
    failures: model.failures,
    failure: model.failure,
  };
}

function memoryOf({ devices }: GovernState, model: Model): readonly Need[] {
  const option = optionOf(model);
  if (!option || !isResident(model)) return [];
  const names = new Set([...needsOf(model, option), ...(model.held ?? [])].map((it) => it.device));
  return [...names].map((device) => ({ device, bytes: claimOf(model, device, devices.get(device)?.fact) }));
}

/** One memory's bytes by owner. */
export interface Ledger {
  readonly device: string;
  readonly totalBytes: number;
  readonly reserveBytes: number;
  /** Other programs', as far as that is known. */
  readonly foreignBytes: number;
  readonly ours: readonly { readonly key: string; readonly bytes: number }[];
  /** Of models that are gone, not shown as free yet. */
  readonly releasingBytes: number;
  /** What could be given to a model now; never below 0. */
  readonly freeBytes: number;
}

export function ledgerOf(state: GovernState, rules: GovernRules): readonly Ledger[] {
  return [...state.devices.values()].map(({ fact, foreignBytes }) => {
    const ours = [...state.models.values()].map((it) => ({ key: it.key, bytes: claimOf(it, fact.device, fact) }));
    return {
      device: fact.device,
      totalBytes: fact.totalBytes,
      reserveBytes: fact.reserveBytes,
      foreignBytes: foreignBytes ?? 0,
      ours: ours.filter((it) => it.bytes > 0),
      releasingBytes: releasedOn(state, fact.device),
      freeBytes: Math.max(0, roomOn(state, fact.device, rules)),
    };
  });
}

/**
 * When time alone will change something, so that the owner says `tick` then and not all the time. Null: only an event can. Later than
 * `atMs` of the state always: what is over has been looked at.
 */
export function dueAtMs(state: GovernState, rules: GovernRules): number | null {
  const times = state.releasing.map((it) => it.untilMs);
  for (const it of state.requests.values()) if (it.grant === null) times.push(...impatientAtMs(state, it, rules));
  if (Number.isFinite(state.promotedMs)) times.push(state.promotedMs + rules.maxPassedOverMs);
  const isWaiting = [...state.requests.values()].some((it) => it.grant === null);
  for (const it of state.models.values()) times.push(...timesOf(state, it, { rules, isWaiting }));
  const later = times.filter((it) => it > state.atMs);
  return later.length === 0 ? null : Math.min(...later);
}

/** When a request that waits may move others. */
function impatientAtMs(state: GovernState, asked: Asked, rules: GovernRules): readonly number[] {
  const { maxPassedOverMs, settleMs } = rules;
  const foreground = asked.choices.map((key) => passedSinceMs(state, asked, key) + maxPassedOverMs);
  const background = [asked.atMs + BACKGROUND_PATIENCE * maxPassedOverMs];
  return [asked.atMs + settleMs, ...(asked.priority === "background" ? background : foreground)];
}

function timesOf(
  state: GovernState,
  model: Model,
  { rules, isWaiting }: { rules: GovernRules; isWaiting: boolean },
): readonly number[] {
  const times = isWaiting || model.isWanted ? [model.retryMs, model.rereadMs] : [];
  if (model.phase.kind !== "ready") return times;
  if (isWaiting) times.push(model.readyMs + residencyOf({ rules }, model), model.readyMs + rules.maxPassedOverMs);
  if (model.idleMs === null) return times;
  if (isWaiting) times.push(model.idleMs + rules.maxPassedOverMs);
  if (!model.isTrimmed && rules.trimAfterMs > 0) times.push(model.idleMs + rules.trimAfterMs);
  const { afterMs } = patienceWith({ devices: state.devices, rules }, model);
  if (afterMs > 0 && !model.isPinned) times.push(model.idleMs + afterMs);
  return times;
}
