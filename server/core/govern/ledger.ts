import type { DeviceFact } from "./event.ts";
import type { Need, Option } from "./loadable.ts";
import type { GovernRules } from "./rules.ts";
import {
  type Device,
  type Draft,
  type GovernState,
  isResident,
  type Model,
  optionOf,
  type Releasing,
} from "./state.ts";

/** As long as idle models stay by themselves (`unloadAfterMs`). */
const FOREIGN_KEPT_MS = 300_000;

type Known = Pick<GovernState, "devices" | "models" | "releasing" | "atMs">;

/** What an option of a model takes: as reckoned, or as its loads have shown, whichever is more. */
export function needsOf(model: Model, option: Option): readonly Need[] {
  const learnt = model.learnt.get(option.id);
  if (!learnt) return option.needs;
  const devices = new Set([...option.needs, ...learnt].map((it) => it.device));
  return [...devices].map((device) => ({
    device,
    bytes: Math.max(bytesOn(option.needs, device), bytesOn(learnt, device)),
  }));
}

export function bytesOn(needs: readonly Need[], device: string): number {
  return needs.reduce((sum, it) => (it.device === device ? sum + it.bytes : sum), 0);
}

/** What one of our models is counted with on a device: the most of what was reserved, what it said and what the driver shows. */
export function claimOf(model: Model, device: string, fact: DeviceFact | undefined): number {
  const option = optionOf(model);
  if (!option || !isResident(model)) return 0;
  const said = model.held ? bytesOn(model.held, device) : 0;
  const reserved = bytesOn(needsOf(model, option), device);
  return Math.max(reserved, said, fact?.held.get(model.key) ?? 0);
}

/** Whether a reading tells what is used now. */
export function isSeen({ health, usedBytes }: DeviceFact): boolean {
  return health === "ok" && usedBytes !== null;
}

/** Whether readings are missing that there should be. */
export function isBlind({ health }: DeviceFact): boolean {
  return health === "stale" || health === "broken";
}

/**
 * What is left of a device for models: its size without its reserve, without what others hold, and without the most that each of ours
 * may take (research of peers, section f: `min(reported free, total - sum max(measured, reserved))`; both are one here, because others'
 * share is what is used beyond ours). While its readings are missing, a share of it stays free besides; but where they are broken, which
 * may be for good, one model alone may have all there is, or it would never be loaded. Below 0: too much is taken. Infinity for a device
 * that nobody ever told anything about.
 */
export function roomOn(known: Known, name: string, rules: GovernRules): number {
  const device = known.devices.get(name);
  if (!device) return Number.POSITIVE_INFINITY;
  const { fact, foreignBytes } = device;
  const ours = claimedOn(known, name) + releasedOn(known, name);
  const isBlindly = fact.health === "stale" || (fact.health === "broken" && ours > 0);
  const blind = isBlindly ? rules.blindShare * fact.totalBytes : 0;
  return fact.totalBytes - fact.reserveBytes - blind - (foreignBytes ?? 0) - ours;
}

/** What all of ours are counted with. */
export function claimedOn({ models, devices }: Known, name: string): number {
  const fact = devices.get(name)?.fact;
  let sum = 0;
  for (const it of models.values()) sum += claimOf(it, name, fact);
  return sum;
}

/** What gone models still hold. */
export function releasedOn({ releasing }: Known, name: string): number {
  return releasing.reduce((sum, it) => (it.device === name ? sum + it.bytes : sum), 0);
}

/** What is coming back at once: of models that are being unloaded, and of those that are gone. */
export function leavingOn(known: Known, name: string): number {
  return releasedOn(known, name) + claimedIn(known, name, "unloading");
}

/** And what is coming back when requests have been answered. */
export function comingBackOn(known: Known, name: string): number {
  return leavingOn(known, name) + claimedIn(known, name, "draining");
}

function claimedIn(known: Known, name: string, phase: Model["phase"]["kind"]): number {
  const fact = known.devices.get(name)?.fact;
  let sum = 0;
  for (const it of known.models.values()) if (it.phase.kind === phase) sum += claimOf(it, name, fact);
  return sum;
}

/** What is promised to models other than this. */
export function promisedOn(known: Known, name: string, except: string): number {
  let sum = 0;
  for (const it of known.models.values())
    if (it.phase.kind === "room" && it.key !== except) sum += bytesOn(needsOf(it, it.phase.option), name);
  return sum;
}

/** Takes in new readings. A device that is no longer told of is absent. */
export function readDevices(draft: Draft, facts: readonly DeviceFact[]): void {
  const told = new Set(facts.map((it) => it.device));
  for (const [name, known] of draft.devices)
    if (!told.has(name)) draft.devices.set(name, { ...known, fact: { ...known.fact, health: "absent" } });
  for (const fact of facts) draft.devices.set(fact.device, readDevice(draft, fact));
}

/**
 * What others hold is what is used beyond ours. What ours hold is only known within bounds where the driver does not tell it by process
 * and a load or an unload is under way: then others are taken to hold what they held before, as far as the reading allows that.
 */
function readDevice(draft: Draft, fact: DeviceFact): Device {
  const before = draft.devices.get(fact.device);
  if (!isSeen(fact) || fact.usedBytes === null) return unseen(draft, fact, before);
  let least = 0;
  let most = 0;
  for (const it of draft.models.values()) {
    const [from, to] = holdingOf(draft, it, fact);
    least += from;
    most += to;
  }
  const released = releasedOn(draft, fact.device);
  const lowest = Math.max(0, fact.usedBytes - most - released);
  const highest = Math.max(0, fact.usedBytes - least);
  const foreignBytes = Math.min(Math.max(before?.foreignBytes ?? highest, lowest), highest);
  settle(draft, fact.device, fact.usedBytes - least - foreignBytes);
  return { fact, foreignBytes, seenMs: draft.atMs };
}

/**
 * A reading of then shows models that have gone since: what was made of it at the time stays. What others held is believed for a while:
 * five minutes, in which programs are closed as idle models are unloaded. Later it could keep a model out for good that has long had room,
 * while the other mistake costs one load that finds no memory and is tried again with more.
 */
function unseen(draft: Draft, fact: DeviceFact, before: Device | undefined): Device {
  const { foreignBytes = null, seenMs = draft.atMs } = before ?? {};
  const isForgotten = fact.health !== "stale" && draft.atMs - seenMs >= FOREIGN_KEPT_MS;
  const held = isBlind(fact) && before ? before.fact.held : fact.held;
  return { fact: { ...fact, held }, foreignBytes: isForgotten ? null : foreignBytes, seenMs };
}

/** From and to how much one of ours may hold in this reading. */
function holdingOf(draft: Draft, model: Model, fact: DeviceFact): readonly [number, number] {
  const told = fact.held.get(model.key);
  const claim = claimOf(model, fact.device, fact);
  if (claim === 0) return [0, 0];
  if (told !== undefined) return [told, told];
  const isSettled =
    (model.phase.kind === "ready" || model.phase.kind === "draining") &&
    draft.atMs - model.readyMs >= draft.rules.settleMs;
  if (!isSettled) return [0, claim];
  const said = model.held ? bytesOn(model.held, fact.device) : 0;
  const holds = said > 0 ? said : claim;
  return [holds, holds];
}

/** No more can still be on its way back than is used and not accounted for. */
function settle(draft: Draft, name: string, unaccountedBytes: number): void {
  let left = Math.max(0, unaccountedBytes);
  const settled = (it: Releasing): Releasing => {
    if (it.device !== name) return it;
    const bytes = Math.min(it.bytes, left);
    left -= bytes;
    return { ...it, bytes };
  };
  if (draft.releasing.length > 0) draft.releasing = draft.releasing.map(settled).filter((it) => it.bytes > 0);
}

/**
 * Its memory is on its way back. On a device that tells nobody what is used (main memory in a container, Apple's GPU) nothing would ever
 * show it as free: there it is when its process has gone, of which its owner has told.
 */
export function release(draft: Draft, model: Model): void {
  const option = optionOf(model);
  if (!option) return;
  const devices = new Set([...needsOf(model, option), ...(model.held ?? [])].map((it) => it.device));
  for (const [name, { fact }] of draft.devices) if (fact.held.has(model.key)) devices.add(name);
  const untilMs = draft.atMs + draft.rules.settleMs;
  const rows = [...devices].map((device) => {
    const fact = draft.devices.get(device)?.fact;
    const isTold = fact === undefined || fact.usedBytes !== null || fact.health !== "ok";
    return { key: model.key, device, bytes: isTold ? claimOf(model, device, fact) : 0, untilMs };
  });
  draft.releasing = [...draft.releasing, ...rows.filter((it) => it.bytes > 0)];
  for (const [name, known] of draft.devices) {
    if (!known.fact.held.has(model.key)) continue;
    // From here on it is counted as being released, not as held by whatever is loaded by this name next.
    const held = new Map([...known.fact.held].filter(([key]) => key !== model.key));
    draft.devices.set(name, { ...known, fact: { ...known.fact, held } });
  }
}
