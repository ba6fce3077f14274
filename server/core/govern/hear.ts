import type { GovernEvent } from "./event.ts";
import { bytesOn, needsOf, readDevices, release } from "./ledger.ts";
import type { Loadable, Need, Option } from "./loadable.ts";
import { unload } from "./moves.ts";
import { change, type Draft, isResident, type Model, modelFor, optionOf } from "./state.ts";

type Of<Kind extends GovernEvent["kind"]> = Extract<GovernEvent, { kind: Kind }>;

/** So many loads in a row may fail before the model is left alone for a while. */
const MOST_FAILURES = 3;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;
/** A load that found no memory takes more than was reckoned: nobody says how much more, so an eighth. */
const UNDERRATED = 1.125;

/** Writes down what has happened; what follows from it is decided afterwards. */
export function hear(draft: Draft, event: GovernEvent): void {
  switch (event.kind) {
    case "devices":
      readDevices(draft, event.devices);
      for (const it of draft.models.values()) if (it.rereadMs > 0) change(draft, it.key, { rereadMs: 0 });
      break;
    case "want":
      want(draft, event);
      break;
    case "offer":
      offer(draft, event.request);
      break;
    case "done":
      done(draft, event.request);
      break;
    case "loaded":
      loaded(draft, event);
      break;
    case "load-failed":
      loadFailed(draft, event);
      break;
    case "unloaded":
      unloaded(draft, event.key);
      break;
    case "release":
      released(draft, event.key);
      break;
    case "preload":
      meet(draft, event.model);
      change(draft, event.model.key, { isWanted: true, isRetired: false });
      break;
    case "pin":
    case "unpin":
      change(draft, event.key, { isPinned: event.kind === "pin" });
      break;
    case "retire":
      change(draft, event.key, { isRetired: true, isWanted: false });
      break;
    case "tick":
      break;
  }
}

/** What is known of a model stays; what is reckoned of it is the newest. */
function meet(draft: Draft, loadable: Loadable): void {
  const before = draft.models.get(loadable.key);
  if (!before) draft.models.set(loadable.key, modelFor(loadable));
  else if (before.loadable !== loadable)
    change(draft, loadable.key, { loadable, ...(isResident(before) ? {} : { slots: loadable.slots }) });
}

function want(draft: Draft, { request, choices, priority, preempted = 0 }: Of<"want">): void {
  const [first] = choices;
  if (!first || draft.requests.has(request)) return;
  for (const it of choices) {
    meet(draft, it);
    change(draft, it.key, { isRetired: false });
  }
  const waiting = [...draft.requests.values()].filter((it) => it.grant === null && it.choices[0] === first.key);
  // Work that has begun is not lost for the length of a queue.
  if (waiting.length >= draft.rules.mostWaiting && preempted === 0) {
    const message = `${waiting.length} requests wait for ${first.label} already`;
    const nextStep = "Try again in a while, or close what else asks for it";
    draft.effects.push({ kind: "refuse", request, why: "too-many", message, nextStep });
    return;
  }
  const keys = [...new Set(choices.map((it) => it.key))];
  const told = { grant: null, target: first.key, failed: [], told: null, isOffered: false, preempted };
  draft.requests.set(request, { request, choices: keys, priority, atMs: draft.atMs, ...told });
}

function offer(draft: Draft, request: string): void {
  const asked = draft.requests.get(request);
  if (asked) draft.requests.set(request, { ...asked, isOffered: true });
}

function done(draft: Draft, request: string): void {
  const asked = draft.requests.get(request);
  if (!asked) return;
  draft.requests.delete(request);
  const model = asked.grant && draft.models.get(asked.grant.key);
  // One that was granted before its model went holds nothing of what was loaded since.
  if (!model || model.life !== asked.grant?.life) return;
  const active = Math.max(0, model.active - 1);
  change(draft, model.key, { active, idleMs: active === 0 ? draft.atMs : null });
}

function loaded(draft: Draft, { key, held, slots, tookMs, isOnProcessor }: Of<"loaded">): void {
  const model = draft.models.get(key);
  const option = model && optionOf(model);
  // Asked to go in the meantime, it goes on going.
  if (!model || !option || model.phase.kind !== "loading") return;
  change(draft, key, {
    phase: { kind: "ready", option: isOnProcessor ? onProcessor(option, held) : option, sinceMs: draft.atMs },
    slots: Math.max(1, slots),
    active: 0,
    readyMs: draft.atMs,
    idleMs: draft.atMs,
    isTrimmed: false,
    isWanted: false,
    held,
    learnt: held && !isOnProcessor ? learn(model, option, held) : model.learnt,
    failures: 0,
    memoryFailures: 0,
    failure: null,
    retryMs: 0,
    rereadMs: 0,
    loadMs: tookMs,
  });
}

/**
 * All of it is in main memory then: so much as it says, or else as it would have taken of the GPUs. Counted too often where these have no
 * memory of their own, which is on the safe side.
 */
function onProcessor(option: Option, held: readonly Need[] | null): Option {
  const all = { device: "cpu", bytes: option.needs.reduce((sum, it) => sum + it.bytes, 0) };
  return { ...option, id: "cpu", needs: held ?? [all] };
}

/** What was reckoned rightly, or too high, is not learnt: the reckoning stands. */
function learn(model: Model, option: Option, needs: readonly Need[]): Model["learnt"] {
  const learnt = new Map(model.learnt);
  const isMore = needs.some(({ device }) => bytesOn(needs, device) > bytesOn(option.needs, device));
  if (isMore) learnt.set(option.id, needs);
  else learnt.delete(option.id);
  return learnt;
}

function loadFailed(draft: Draft, { key, why, message }: Of<"load-failed">): void {
  const model = draft.models.get(key);
  if (model?.phase.kind !== "loading") return;
  release(draft, model);
  const { option } = model.phase;
  const failures = model.failures + 1;
  const memoryFailures = why === "no-memory" ? model.memoryFailures + 1 : 0;
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - MOST_FAILURES), LONGEST_PAUSE_MS);
  const more = needsOf(model, option).map((it) => underrated(draft, it));
  change(draft, key, {
    phase: { kind: "absent" },
    isWanted: false,
    failures,
    memoryFailures,
    failure: message,
    // A server that was not there costs nothing to ask again, and its user may have just started it.
    retryMs: failures >= MOST_FAILURES && option.needs.length > 0 ? draft.atMs + pauseMs : draft.atMs,
    rereadMs: memoryFailures > 0 ? draft.atMs + draft.rules.settleMs : 0,
    learnt: memoryFailures > 0 ? learn(model, option, more) : model.learnt,
    held: null,
  });
  // Want of memory is tried once more: with more room, or elsewhere.
  if (memoryFailures === 1) return;
  for (const it of draft.requests.values())
    if (it.grant === null && it.choices.includes(key))
      draft.requests.set(it.request, { ...it, failed: [...it.failed, key] });
}

/** Never more than the device could ever give: it is tried again when that is free. */
function underrated({ devices }: Draft, { device, bytes }: Need): Need {
  const fact = devices.get(device)?.fact;
  const most = fact ? fact.totalBytes - fact.reserveBytes : Number.POSITIVE_INFINITY;
  return { device, bytes: Math.max(bytes, Math.min(most, Math.ceil(bytes * UNDERRATED))) };
}

function unloaded(draft: Draft, key: string): void {
  const model = draft.models.get(key);
  if (!model || !isResident(model)) return;
  release(draft, model);
  const patch = { active: 0, idleMs: null, held: null, isTrimmed: false, life: model.life + 1, goneMs: draft.atMs };
  change(draft, key, { ...patch, phase: { kind: "absent" } });
}

function released(draft: Draft, key: string): void {
  const model = draft.models.get(key);
  if (!model) return;
  change(draft, key, { isPinned: false, isWanted: false });
  const { phase } = model;
  const why = "the user wants it gone";
  if (phase.kind === "loading") unload(draft, key, { why, cause: "user", graceMs: 0 });
  // One that drains for somebody else would stay where that is no longer needed.
  if (phase.kind !== "ready" && phase.kind !== "draining") return;
  change(draft, key, {
    phase: { kind: "draining", option: phase.option, sinceMs: draft.atMs, why, cause: "user", forKey: null },
  });
}
