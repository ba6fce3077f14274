import { inLine, isPassedOver, isPromoted } from "./line.ts";
import type { Option } from "./loadable.ts";
import { labelOf, load, makeWay, unload } from "./moves.ts";
import { type Block, type Claim, heatOf, isOn, type Plan, planFor, strainOf, USUAL_CLAIM } from "./plan.ts";
import { rivalOf } from "./rivals.ts";
import { type Asked, change, type Draft, type Model } from "./state.ts";

/** One walk along the line. What is blocked for one stays so for those behind it who may do no more: room is only taken on the way. */
interface Pass {
  readonly draft: Draft;
  readonly blocked: Map<string, Obstacle>;
}

/** Why a choice cannot be had now. */
export type Obstacle =
  | { readonly kind: "busy" | "loading" | "leaving"; readonly key: string }
  | { readonly kind: "room"; readonly key: string }
  | { readonly kind: "heat"; readonly key: string; readonly device: string }
  | { readonly kind: "yields"; readonly key: string }
  /** Another model answers somebody on the same device. */
  | { readonly kind: "contends"; readonly key: string; readonly rival: string; readonly device: string }
  | { readonly kind: "reread"; readonly key: string }
  | { readonly kind: "blocked"; readonly key: string; readonly block: Block; readonly option: Option }
  /** For ever, as far as this request goes. */
  | { readonly kind: "failed" | "never"; readonly key: string };

/** Gives turns, begins loads and makes room, in the order in which requests stand in line. What waits then has its obstacle, in that order. */
export function assign(draft: Draft): ReadonlyMap<string, Obstacle> {
  const line = inLine(draft);
  const left = line.filter((it) => {
    const [key = ""] = it.choices;
    if (grantable(draft, it, key) !== null) return true;
    grant(draft, it, { key, why: null });
    return false;
  });
  reopenRooms(draft);
  const obstacles = new Map<string, Obstacle>();
  const pass: Pass = { draft, blocked: new Map() };
  for (const it of left) {
    const obstacle = place(pass, it);
    if (obstacle) obstacles.set(it.request, obstacle);
  }
  for (const it of draft.models.values()) if (it.isWanted) preload(draft, it);
  keepWays(draft);
  return obstacles;
}

/**
 * Every promise is made anew in each step, to the one who stands first in line before the others: what was freed for one is then no
 * reason for another, longer passed over, to go on waiting.
 */
function reopenRooms(draft: Draft): void {
  for (const it of draft.models.values())
    if (it.phase.kind === "room") change(draft, it.key, { phase: { kind: "absent" } });
}

/** Who drains for somebody that no longer needs it stays. */
function keepWays(draft: Draft): void {
  for (const it of draft.models.values()) {
    const { phase } = it;
    if (phase.kind !== "draining" || phase.forKey === null) continue;
    if (draft.models.get(phase.forKey)?.phase.kind === "room") continue;
    change(draft, it.key, { phase: { kind: "ready", option: phase.option, sinceMs: draft.atMs }, evictedMs: null });
  }
}

/** Null: it may have a turn on this loaded model now. */
function grantable(draft: Draft, asked: Asked, key: string): Obstacle | null {
  const model = draft.models.get(key);
  if (model?.phase.kind !== "ready") return { kind: "leaving", key };
  const isBackground = asked.priority === "background" && !isPromoted(draft, asked);
  for (const known of draft.devices.values()) {
    const heat = heatOf(known);
    const isPaused = heat === "critical" || (heat === "hot" && isBackground);
    if (isPaused && isOn(model, known.fact.device)) return { kind: "heat", key, device: known.fact.device };
  }
  if (model.active >= model.slots) return { kind: "busy", key };
  // The last slot is kept for those that background work must not keep waiting.
  if (isBackground && model.slots > 1 && model.active === model.slots - 1) return { kind: "yields", key };
  const rival = isBackground ? rivalOf(draft, key) : null;
  return rival && { kind: "contends", key, rival: rival.key, device: rival.device };
}

function grant(draft: Draft, asked: Asked, { key, why }: { key: string; why: string | null }): void {
  const model = draft.models.get(key);
  if (!model) return;
  const isKept = mayMoveOthers(draft, asked, key);
  if (asked.priority === "background" && isKept) draft.promotedMs = draft.atMs;
  const given = { key, life: model.life, isKept, isEnding: false };
  draft.requests.set(asked.request, { ...asked, grant: given, target: key });
  change(draft, key, { active: model.active + 1, idleMs: null, isTrimmed: false });
  draft.effects.push({ kind: "grant", request: asked.request, key, why });
}

/** What is over soon is waited for; smaller models are no better. */
const SHORT: ReadonlySet<Obstacle["kind"]> = new Set(["busy", "contends", "loading", "room", "reread"]);

/** The first of its choices that can be had; null when it has its turn now. */
function place(pass: Pass, asked: Asked): Obstacle | null {
  const { draft } = pass;
  let first: Obstacle | null = null;
  for (const [nth, key] of asked.choices.entries()) {
    const obstacle = attempt(pass, asked, nth);
    if (obstacle === null) {
      grant(draft, asked, { key, why: nth === 0 ? null : insteadOf(draft, asked, key) });
      return null;
    }
    if (SHORT.has(obstacle.kind)) return aim(draft, asked, obstacle);
    if (first === null || isForEver(first)) first = obstacle;
  }
  if (first?.kind === "blocked") keepPlace(draft, asked, first);
  return first && aim(draft, asked, first);
}

/** Who has waited long enough is promised the room that there is and that comes: later ones do not fill it up before him. */
function keepPlace(draft: Draft, asked: Asked, { key, block, option }: Extract<Obstacle, { kind: "blocked" }>): void {
  if (block.kind === "memory" && mayMoveOthers(draft, asked, key)) promise(draft, key, option);
}

export function isForEver({ kind }: Obstacle): boolean {
  return kind === "failed" || kind === "never";
}

function aim(draft: Draft, asked: Asked, obstacle: Obstacle): Obstacle {
  if (asked.target !== obstacle.key) draft.requests.set(asked.request, { ...asked, target: obstacle.key });
  return obstacle;
}

function insteadOf(draft: Draft, { choices }: Asked, key: string): string {
  return `${labelOf(draft, choices[0] ?? key)} cannot be had now, so ${labelOf(draft, key)} answers`;
}

/** Has one of its choices, or begins what gets it; what stands in the way otherwise. */
function attempt(pass: Pass, asked: Asked, nth: number): Obstacle | null {
  const { draft } = pass;
  const key = asked.choices[nth] ?? "";
  const model = draft.models.get(key);
  if (!model || asked.failed.includes(key)) return { kind: "failed", key };
  switch (model.phase.kind) {
    case "ready": {
      const obstacle = grantable(draft, asked, key);
      if (obstacle?.kind === "heat") moveToCooler(pass, asked, nth);
      return obstacle;
    }
    case "loading":
      return { kind: "loading", key };
    case "room":
      return { kind: "room", key };
    case "draining":
    case "unloading":
      return { kind: "leaving", key };
    case "absent":
      return attemptLoad(pass, asked, nth);
  }
}

/** A model that nobody uses leaves a device that is far too hot when another one has room for it. */
function moveToCooler({ draft }: Pass, asked: Asked, nth: number): void {
  const key = asked.choices[nth] ?? "";
  const model = draft.models.get(key);
  if (model?.phase.kind !== "ready" || model.active > 0 || model.isPinned) return;
  const plan = planFor(draft, model, { ...USUAL_CLAIM, leastIdleMs: Number.POSITIVE_INFINITY });
  if (plan.kind === "now")
    unload(draft, key, { why: `moves to ${plan.option.id}, which is cooler`, cause: "heat", graceMs: 0 });
}

function attemptLoad({ draft, blocked }: Pass, asked: Asked, nth: number): Obstacle {
  const key = asked.choices[nth] ?? "";
  const model = draft.models.get(key);
  if (!model || model.retryMs > draft.atMs) return { kind: "failed", key };
  if (model.rereadMs > draft.atMs) return { kind: "reread", key };
  const claim = claimOf(draft, asked, nth);
  const memo = `${key} ${claim.mayMove} ${claim.mayMoveBackground} ${claim.leastIdleMs} ${claim.isSmallest} ${claim.mayGuess}`;
  const known = blocked.get(memo);
  if (known) return known;
  const plan = planFor(draft, model, claim);
  if (plan.kind === "never") return { kind: "never", key };
  if (plan.kind === "blocked") {
    const obstacle: Obstacle = { kind: "blocked", key, block: plan.block, option: plan.option };
    blocked.set(memo, obstacle);
    return obstacle;
  }
  const crowded = crowdedDevice(draft, plan);
  if (crowded !== null && hasReady(draft, asked, nth + 1))
    return { kind: "blocked", key, block: { kind: "pressure", device: crowded }, option: plan.option };
  return carryOut(draft, key, plan);
}

/** A device that is filling up, on which a smaller model that is loaded is better than a larger one that is not. */
function crowdedDevice(draft: Draft, { option }: Plan): string | null {
  for (const { device } of option.needs) {
    const known = draft.devices.get(device);
    if (known && strainOf(known) !== "normal") return device;
  }
  return null;
}

function hasReady(draft: Draft, asked: Asked, from: number): boolean {
  return asked.choices.slice(from).some((it) => grantable(draft, asked, it) === null);
}

function claimOf(draft: Draft, asked: Asked, nth: number): Claim {
  const isBackground = asked.priority === "background" && !isPromoted(draft, asked);
  const hasWaited = mayMoveOthers(draft, asked, asked.choices[nth] ?? "");
  return {
    mayMove: hasWaited ? "busy" : "idle",
    mayMoveBackground: asked.priority !== "background",
    leastIdleMs: isBackground ? draft.rules.maxPassedOverMs : 0,
    isSmallest: asked.choices.slice(nth + 1).every((it) => asked.failed.includes(it)),
    mayHeat: hasWaited,
    mayGuess: draft.atMs - asked.atMs >= draft.rules.settleMs,
  };
}

function mayMoveOthers(draft: Draft, asked: Asked, key: string): boolean {
  return asked.priority === "background" ? isPromoted(draft, asked) : isPassedOver(draft, asked, key);
}

function carryOut(draft: Draft, key: string, plan: Extract<Plan, { kind: "now" | "after" }>): Obstacle {
  if (plan.kind === "now") {
    load(draft, key, { option: plan.option, why: plan.option.why });
    return { kind: "loading", key };
  }
  promise(draft, key, plan.option);
  for (const it of plan.victims) makeWay(draft, it, key);
  return { kind: "room", key };
}

function promise(draft: Draft, key: string, option: Option): void {
  change(draft, key, { phase: { kind: "room", option, sinceMs: draft.atMs } });
}

function preload(draft: Draft, model: Model): void {
  if (model.phase.kind !== "absent" || model.retryMs > draft.atMs || model.rereadMs > draft.atMs) return;
  const plan = planFor(draft, model, USUAL_CLAIM);
  if (plan.kind === "never") change(draft, model.key, { isWanted: false });
  if (plan.kind === "now" || plan.kind === "after") carryOut(draft, model.key, plan);
}
