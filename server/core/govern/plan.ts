import type { PressureLevel } from "../pressure.ts";
import type { ThermalLevel } from "../thermal.ts";
import { bytesOn, claimOf, comingBackOn, isBlind, needsOf, promisedOn, roomOn } from "./ledger.ts";
import type { Need, Option } from "./loadable.ts";
import { isForBackground } from "./rivals.ts";
import { type Device, type Draft, isResident, type Model } from "./state.ts";
import { type Candidate, cheapestVictims, costOfLosing } from "./victims.ts";

/** How far somebody may go to have his model loaded. */
export interface Claim {
  /** "idle": models that nobody uses may go. "busy": also those that are, once they have done what they have begun. */
  readonly mayMove: "idle" | "busy";
  /** Models may go that only background work uses or waits for. */
  readonly mayMoveBackground: boolean;
  /** Only models that have been idle so long may go. */
  readonly leastIdleMs: number;
  /** Of the choices of who asks it is the smallest. */
  readonly isSmallest: boolean;
  /** It has waited long enough to be loaded where it is hot. */
  readonly mayHeat: boolean;
  /** It has waited long enough for a first reading of a device: it is loaded there without one. */
  readonly mayGuess: boolean;
}

export const USUAL_CLAIM: Claim = {
  mayMove: "idle",
  mayMoveBackground: false,
  leastIdleMs: 0,
  isSmallest: true,
  mayHeat: false,
  mayGuess: false,
};

/** What there is to do for one way to load a model. */
export type Plan =
  /** now: there is room. after: there will be, when these are gone; none: by what leaves already. */
  | { readonly kind: "now" | "after"; readonly option: Option; readonly victims: readonly string[] }
  /** Not now: others hold the memory, or the device is not to be loaded on. */
  | { readonly kind: "blocked"; readonly option: Option; readonly block: Block }
  /** Larger than all that there could be. */
  | { readonly kind: "never"; readonly option: Option };

export type Block =
  | { readonly kind: "memory"; readonly device: string; readonly missingBytes: number }
  | { readonly kind: "pressure" | "heat" | "gone" | "unread"; readonly device: string };

/** An embedder on the processor answers slower: worth it when a writer that takes longer than this to load would have to go for it. */
const CPU_COST = 2;
/** A device that cannot be used is told of only where no other could be waited for. */
const UNUSABLE = Number.MAX_VALUE;
/** Models that are in use go only when nothing idle will do. */
const BUSY_COST = 1e3;

/** The cheapest way to load it; of equally dear ones the first. */
export function planFor(draft: Draft, model: Model, claim: Claim): Plan {
  const first = model.loadable.options[0];
  if (!first) throw new Error(`The model ${model.key} has no options`);
  let best: Rated = { plan: { kind: "never", option: first }, cost: Number.POSITIVE_INFINITY };
  for (const option of model.loadable.options) {
    const rated = rate(draft, { model, option, claim });
    if (isLastResort(model, option) && isWorthWaiting(draft, best.plan)) continue;
    if (rank(rated.plan) < rank(best.plan) || (rank(rated.plan) === rank(best.plan) && rated.cost < best.cost))
      best = rated;
  }
  return best.plan;
}

/** A writer on the processor, where it could have been on a GPU, is many times slower. */
function isLastResort({ loadable }: Model, option: Option): boolean {
  return loadable.kind === "writer" && isCpu(option) && loadable.options[0] !== option;
}

function isCpu({ needs }: Option): boolean {
  return needs.length > 0 && needs.every(({ device }) => device === "cpu");
}

/** What only our own models stand in the way of comes by waiting; what others hold, or a device that cannot be used, does not. */
function isWorthWaiting(draft: Draft, plan: Plan): boolean {
  if (plan.kind === "now" || plan.kind === "after") return true;
  if (plan.kind !== "blocked" || plan.block.kind !== "memory") return false;
  const { device, missingBytes } = plan.block;
  const fact = draft.devices.get(device)?.fact;
  let movable = 0;
  for (const it of draft.models.values()) if (!it.isPinned) movable += claimOf(it, device, fact);
  return movable >= missingBytes;
}

interface Case {
  readonly model: Model;
  readonly option: Option;
  readonly claim: Claim;
}

interface Rated {
  readonly plan: Plan;
  readonly cost: number;
}

/** What can be done goes before what cannot; between a load and an eviction the cost decides. */
function rank({ kind }: Plan): number {
  return kind === "now" || kind === "after" ? 0 : kind === "blocked" ? 1 : 2;
}

function rate(draft: Draft, { model, option, claim }: Case): Rated {
  const needs = needsOf(model, option);
  if (needs.some((it) => neverFits(draft, it))) return { plan: { kind: "never", option }, cost: 0 };
  const block = blockOf(draft, { model, option, claim });
  if (block) return { plan: { kind: "blocked", option, block }, cost: UNUSABLE };
  const penalty = placeCost(draft, model, option);
  const missing = missingFor(draft, model, needs);
  const short = new Map<string, number>();
  for (const [device, bytes] of missing) {
    const lacking = bytes - comingBackOn(draft, device);
    if (lacking > 0) short.set(device, lacking);
  }
  const victims = cheapestVictims(candidates(draft, { model, option, claim }), short);
  if (!victims) {
    const [device, missingBytes] = [...short].reduce((most, it) => (it[1] > most[1] ? it : most));
    return { plan: { kind: "blocked", option, block: { kind: "memory", device, missingBytes } }, cost: missingBytes };
  }
  const crowded = claim.isSmallest ? null : crowdedBy(draft, needs, victims.keys);
  if (crowded)
    return { plan: { kind: "blocked", option, block: { kind: "pressure", device: crowded } }, cost: UNUSABLE };
  const kind = missing.size === 0 ? "now" : "after";
  return { plan: { kind, option, victims: victims.keys }, cost: penalty + victims.cost };
}

/** A device under high pressure on which this would take more than those give back that go for it. */
function crowdedBy(draft: Draft, needs: readonly Need[], victims: readonly string[]): string | null {
  for (const { device } of needs) {
    const known = draft.devices.get(device);
    if (!known || strainOf(known) !== "high") continue;
    const freed = victims.reduce(
      (sum, key) => {
        const victim = draft.models.get(key);
        return victim ? sum + claimOf(victim, device, known.fact) : sum;
      },
      comingBackOn(draft, device),
    );
    if (bytesOn(needs, device) > freed) return device;
  }
  return null;
}

function neverFits({ devices }: Draft, { device, bytes }: Need): boolean {
  const fact = devices.get(device)?.fact;
  return fact !== undefined && bytes > fact.totalBytes - fact.reserveBytes;
}

/** Why nothing is to be loaded there, whatever room there is. */
function blockOf(draft: Draft, { model, option, claim }: Case): Block | null {
  for (const { device } of needsOf(model, option)) {
    const known = draft.devices.get(device);
    if ((!known || known.fact.isUnread) && !claim.mayGuess) return { kind: "unread", device };
    if (!known) continue;
    if (known.fact.health === "absent") return { kind: "gone", device };
    const heat = heatOf(known);
    if (heat === "critical" || (heat === "hot" && !claim.mayHeat)) return { kind: "heat", device };
    if (strainOf(known) === "critical") return { kind: "pressure", device };
  }
  return null;
}

/**
 * A device's pressure, by what is to be done about it. Levels are shares of the whole: a large card whose models were placed with its
 * reserve kept free can be "critical" by its share and is in no danger, so it counts as high until the reserve is touched. Levels of
 * readings that are missing are of then, not of now: admission keeps more free instead.
 */
export function strainOf({ fact }: Device): PressureLevel {
  if (isBlind(fact)) return "normal";
  if (fact.pressure !== "critical" || fact.usedBytes === null) return fact.pressure;
  return fact.totalBytes - fact.usedBytes < fact.reserveBytes ? "critical" : "high";
}

/** How warm it is, where that is known of now. */
export function heatOf({ fact }: Device): ThermalLevel {
  return isBlind(fact) ? "normal" : fact.thermal;
}

function placeCost(draft: Draft, { loadable }: Model, option: Option): number {
  if (!isCpu(option) || loadable.options[0] === option) return 0;
  const others = loadable.options.filter((it) => !isCpu(it));
  const isCrowded = others.some((it) => it.needs.some(({ device }) => isHigh(draft.devices.get(device))));
  return isCrowded ? 0 : CPU_COST;
}

function isHigh(device: Device | undefined): boolean {
  if (!device) return false;
  const strain = strainOf(device);
  return strain === "high" || strain === "critical";
}

/** From device to the bytes that it lacks now. */
function missingFor(draft: Draft, model: Model, needs: readonly Need[]): ReadonlyMap<string, number> {
  const missing = new Map<string, number>();
  for (const { device } of needs) {
    const room = roomOn(draft, device, draft.rules) - promisedOn(draft, device, model.key);
    const bytes = bytesOn(needs, device) - room;
    if (bytes > 0) missing.set(device, bytes);
  }
  return missing;
}

function candidates(draft: Draft, { model, option, claim }: Case): readonly Candidate[] {
  const devices = needsOf(model, option).map((it) => it.device);
  const found: Candidate[] = [];
  for (const it of draft.models.values()) {
    if (it.key === model.key || it.phase.kind !== "ready" || it.isPinned) continue;
    const isIdle = mayGoIdle(draft, it, claim) || mayGoFromBackground(draft, it, claim);
    if (!isIdle && !(claim.mayMove === "busy" && isTurnOver(draft, it))) continue;
    const frees = devices.map((device) => [device, claimOf(it, device, draft.devices.get(device)?.fact)] as const);
    found.push({ key: it.key, frees: new Map(frees), cost: costOf(draft, it) });
  }
  return found;
}

/** What it costs to be without it; busy ones are far dearer than any idle one. */
export function costOf({ atMs }: Draft, model: Model): number {
  const { loadable, idleMs } = model;
  const loadMs = model.loadMs ?? loadable.loadMs;
  const cost = costOfLosing({ loadMs, weight: loadable.weight, idleMs: idleMs === null ? 0 : atMs - idleMs });
  return idleMs === null ? cost + BUSY_COST : cost;
}

function mayGoIdle(draft: Draft, model: Model, { leastIdleMs }: Claim): boolean {
  if (model.active > 0 || model.idleMs === null || isWaitedFor(draft, model.key)) return false;
  return draft.atMs - model.readyMs >= residencyOf(draft, model) && draft.atMs - model.idleMs >= leastIdleMs;
}

/** Background work never makes others wait for memory: what it does ends, and goes on when there is room again. */
function mayGoFromBackground(draft: Draft, model: Model, { mayMoveBackground }: Claim): boolean {
  if (!mayMoveBackground || draft.atMs - model.readyMs < residencyOf(draft, model)) return false;
  const isUsed = model.active > 0 || isWaitedFor(draft, model.key);
  return isUsed && isForBackground(draft, model.key);
}

/** How long it stays before it goes for another's sake; longer for one that was wanted again right after it had gone. */
export function residencyOf({ rules }: Pick<Draft, "rules">, { regrets }: Model): number {
  return Math.min(rules.minResidencyMs * 2 ** regrets, Math.max(rules.minResidencyMs, rules.maxPassedOverMs));
}

/**
 * A loaded model has its turn until those that waited for it when it came are served, or until it has had as long as anybody is
 * passed over. Only then does it leave for who has waited too long: else every load would serve one request.
 */
export function isTurnOver(draft: Draft, model: Model): boolean {
  if (draft.atMs - model.readyMs >= draft.rules.maxPassedOverMs) return true;
  for (const it of draft.requests.values())
    if (it.grant === null && it.target === model.key && it.atMs <= model.readyMs) return false;
  return true;
}

export function isWaitedFor({ requests }: Draft, key: string): boolean {
  for (const it of requests.values()) if (it.grant === null && it.target === key) return true;
  return false;
}

/** Whether a model is on this device, or will be. */
export function isOn(model: Model, device: string): boolean {
  return isResident(model) && model.phase.kind !== "absent" && bytesOn(needsOf(model, model.phase.option), device) > 0;
}
