import { claimOf, leavingOn, needsOf } from "./ledger.ts";
import { drain, labelOf, unload } from "./moves.ts";
import { costOf, heatOf, isOn, isWaitedFor, strainOf } from "./plan.ts";
import type { GovernRules } from "./rules.ts";
import { change, type Device, type Draft, type GovernState, type Model, optionOf } from "./state.ts";
import { cheapestVictims } from "./victims.ts";

/** What pressure, heat and idleness take away. */
export function relieve(draft: Draft): void {
  for (const device of draft.devices.values()) {
    if (strainOf(device) === "critical") force(draft, device);
    if (heatOf(device) === "critical") cool(draft, device);
  }
  for (const it of draft.models.values()) rest(draft, it);
}

/** A model is at home where it holds a tenth of what it takes; buffers elsewhere, as of a GPU's model in main memory, are less. */
const HOME_SHARE = 0.1;

/**
 * Under critical pressure, models go until the reserve is free again: idle ones first, at once; then those in use, whose requests are
 * given `graceMs`. What is on its way back already counts. Where all of them together are not enough, because others fill the device,
 * those at home there go nevertheless: what they give back is what keeps the system from ending a program. Those at home elsewhere would
 * be lost for next to nothing.
 */
function force(draft: Draft, { fact }: Device): void {
  if (fact.usedBytes === null) return;
  const lacking = fact.reserveBytes - (fact.totalBytes - fact.usedBytes) - leavingOn(draft, fact.device);
  if (lacking <= 0) return;
  const here = [...draft.models.values()].filter(
    (it) => (it.phase.kind === "ready" || it.phase.kind === "draining") && !it.isPinned && isOn(it, fact.device),
  );
  const candidates = here.map((it) => ({
    key: it.key,
    frees: new Map([[fact.device, claimOf(it, fact.device, fact)]]),
    cost: costOf(draft, it),
  }));
  const enough = cheapestVictims(candidates, new Map([[fact.device, lacking]]));
  const why = `${fact.name} is nearly out of memory`;
  for (const it of here) {
    if (enough ? !enough.keys.includes(it.key) : !isAtHome(draft, it, fact.device)) continue;
    unload(draft, it.key, { why, cause: "pressure", graceMs: it.active > 0 ? draft.rules.graceMs : 0 });
  }
}

function isAtHome({ devices }: Pick<GovernState, "devices">, model: Model, name: string): boolean {
  const option = optionOf(model);
  if (!option) return false;
  const held = new Set([...needsOf(model, option), ...(model.held ?? [])].map((it) => it.device));
  let allBytes = 0;
  for (const it of held) allBytes += claimOf(model, it, devices.get(it)?.fact);
  return claimOf(model, name, devices.get(name)?.fact) >= HOME_SHARE * allBytes;
}

/** On a device that is far too hot one model may stay: a pinned one, else the one in use, else the one used last. */
function cool(draft: Draft, { fact }: Device): void {
  const here = [...draft.models.values()].filter(
    (it) => (it.phase.kind === "ready" || it.phase.kind === "draining") && isOn(it, fact.device),
  );
  const worth = (it: Model) =>
    it.isPinned ? Number.POSITIVE_INFINITY : it.active > 0 ? Number.MAX_VALUE : (it.idleMs ?? 0);
  const [, ...others] = here.sort((a, b) => worth(b) - worth(a));
  const why = `${fact.name} is too hot for more than one model`;
  for (const it of others) {
    if (it.phase.kind !== "ready" || it.isPinned) continue;
    if (it.active === 0) unload(draft, it.key, { why, cause: "heat", graceMs: 0 });
    else drain(draft, it.key, { why, cause: "heat", forKey: null });
  }
}

/** What its being idle takes from a model. */
function rest(draft: Draft, model: Model): void {
  const { key, phase } = model;
  if (phase.kind === "draining" && model.active === 0)
    unload(draft, key, { why: phase.why, cause: phase.cause, graceMs: 0 });
  if (phase.kind !== "ready" || model.idleMs === null || isWaitedFor(draft, key)) return;
  const idleMs = draft.atMs - model.idleMs;
  const why = reasonToGo(draft, model, idleMs);
  if (why !== null && !model.isPinned) {
    change(draft, key, { evictedMs: draft.atMs });
    unload(draft, key, { why, cause: model.isRetired ? "settings" : "idle", graceMs: 0 });
  } else if (isToBeTrimmed(draft, model, idleMs)) {
    change(draft, key, { isTrimmed: true });
    const seconds = Math.round(draft.rules.trimAfterMs / 1_000);
    draft.effects.push({ kind: "trim", key, why: `${labelOf(draft, key)} has not been used for ${seconds} s` });
  }
}

function reasonToGo(draft: Draft, model: Model, idleMs: number): string | null {
  if (model.isRetired) return "no settings name it any more";
  const { afterMs, why } = patienceWith(draft, model);
  return holdsSomething(model) && afterMs > 0 && idleMs >= afterMs ? why : null;
}

function isToBeTrimmed({ rules }: Draft, model: Model, idleMs: number): boolean {
  return !model.isTrimmed && holdsSomething(model) && rules.trimAfterMs > 0 && idleMs >= rules.trimAfterMs;
}

/** What holds nothing of this machine has nothing to give back. */
function holdsSomething(model: Model): boolean {
  return (optionOf(model)?.needs.length ?? 0) > 0 || model.held !== null;
}

/**
 * How long it may be idle where it is; 0: for ever. Twice as long on a device that fills up for each time in a row that it had to go and
 * was wanted again right after: then it is not idleness that fills the device.
 */
export function patienceWith(
  { devices, rules }: { readonly devices: GovernState["devices"]; readonly rules: GovernRules },
  model: Model,
): { afterMs: number; why: string } {
  const waits = [{ afterMs: rules.unloadAfterMs, why: "it has not been used for long" }];
  for (const device of devices.values()) {
    if (!isOn(model, device.fact.device) || !isAtHome({ devices }, model, device.fact.device)) continue;
    const strain = strainOf(device);
    const { name } = device.fact;
    const more = 2 ** model.regrets;
    if (strain === "moderate") waits.push({ afterMs: rules.moderateIdleMs * more, why: `idle, and ${name} fills up` });
    if (strain === "high" || strain === "critical")
      waits.push({ afterMs: rules.highIdleMs * more, why: `idle, and ${name} is nearly full` });
  }
  const timed = waits.filter((it) => it.afterMs > 0);
  return timed.reduce((least, it) => (it.afterMs < least.afterMs ? it : least), timed[0] ?? { afterMs: 0, why: "" });
}
