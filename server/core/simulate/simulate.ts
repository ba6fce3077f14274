import type { GovernEffect, GovernEvent } from "../govern/event.ts";
import { optionBy } from "./machine.ts";
import type { Policy } from "./policy.ts";
import {
  begin,
  isOver,
  type Life,
  type Look,
  msOf,
  note,
  type Outcome,
  outcomeOf,
  type Run,
  type What,
} from "./run.ts";
import { GIGABYTE, loadableOf, type Trace, type TraceNeed } from "./trace.ts";
import { arrivedBy, grant, type Of, preempt, requestOf, turnName } from "./turns.ts";

/** Readings come once a second, as the monitor's do. */
const READ_MS = 1_000;
/** How long a driver takes to give memory back when a process is gone (research of peers: 0.5 to 1.5 s). */
const FREE_MS = 700;
/** After the last thing that the trace brings, nothing is waited for longer than this. */
const PATIENCE_MS = 4 * 3_600_000;
/** No trace takes more steps than this. */
const MOST_EVENTS = 2_000_000;

/** Drives a policy through a trace. The machine is apart from what the policy believes, so that memory can run out in it. */
export function simulate(trace: Trace, policy: Policy, look: (seen: Look) => void = () => undefined): Outcome {
  const run = begin(trace, policy, look);
  while (!isOver(run) && run.counts.events < MOST_EVENTS) {
    const next = run.agenda.next();
    if (!next || next.atMs > run.lastMs + PATIENCE_MS) break;
    run.atMs = next.atMs;
    happen(run, next.what);
    watchMemory(run);
  }
  return outcomeOf(run);
}

function happen(run: Run, what: What): void {
  switch (what.kind) {
    case "read":
      run.agenda.add(run.atMs + READ_MS, { kind: "read" });
      read(run);
      break;
    case "tick":
      if (run.tickMs !== run.atMs) break;
      run.tickMs = null;
      say(run, { kind: "tick" });
      break;
    case "world":
      what.change();
      note(run, { kind: "world", name: null, text: what.text });
      break;
    case "arrive":
      arrive(run, what);
      break;
    case "answered":
      answered(run, what.name, what.endsMs);
      break;
    case "offered":
      offered(run, what.name, what.endsMs);
      break;
    case "goesOn":
      goOn(run, what.name);
      break;
    case "loadEnds":
      loadEnds(run, what.life);
      break;
    case "unloadEnds":
      unloadEnds(run, what.life);
      break;
    case "freed":
      run.counts.moving--;
      run.machine.free(what.life.id);
      break;
  }
}

type Unsaid = GovernEvent extends infer Event ? (Event extends GovernEvent ? Omit<Event, "atMs"> : never) : never;

/** Tells the policy, and has done what it wants. */
function say(run: Run, said: Unsaid): void {
  const event = { ...said, atMs: run.atMs } as GovernEvent;
  run.counts.events++;
  const effects = run.policy.hear(event);
  for (const it of effects) carryOut(run, it);
  run.look({ event, effects, machine: run.machine });
  const dueMs = run.policy.dueAtMs();
  if (dueMs === null || (run.tickMs !== null && run.tickMs <= dueMs)) return;
  run.tickMs = Math.max(dueMs, run.atMs);
  run.agenda.add(run.tickMs, { kind: "tick" });
}

function read(run: Run): void {
  say(run, { kind: "devices", devices: run.machine.read(run.atMs) });
}

function arrive(run: Run, { name, request }: Extract<What, { kind: "arrive" }>): void {
  const leftMs = msOf(request.serviceSeconds);
  const none = { state: "waits", grantedMs: null, key: "", endsMs: 0, preempted: 0 } as const;
  run.arrived.set(name, { request, atMs: run.atMs, leftMs, ...none });
  want(run, name);
}

/** Each of its turns is asked for under a name of its own: "r5", "r5+1". */
function want(run: Run, name: string): void {
  const { request, preempted } = arrivedBy(run, name);
  const choices = request.choices.map((it) => loadableOf(modelBy(run, it)));
  const again = preempted > 0 ? { preempted } : {};
  say(run, { kind: "want", request: turnName(name, preempted), choices, priority: request.priority, ...again });
}

/** As the owner does it: it stands in line again before it gives back what it had. */
function goOn(run: Run, name: string): void {
  const it = arrivedBy(run, name);
  const before = turnName(name, it.preempted);
  it.preempted++;
  it.state = "waits";
  want(run, name);
  say(run, { kind: "done", request: before });
}

function answered(run: Run, name: string, endsMs: number): void {
  const it = run.arrived.get(name);
  // One that was cut short ended before.
  if (it?.state !== "answers" || it.endsMs !== endsMs) return;
  it.state = "ended";
  say(run, { kind: "done", request: turnName(name, it.preempted) });
}

function loadEnds(run: Run, life: Life): void {
  const { key, slots } = life.model;
  run.counts.moving--;
  if (!run.machine.endLoad(life.id, run.atMs)) {
    run.counts.outOfMemory++;
    run.lives.delete(key);
    note(run, { kind: "memory", name: key, text: `${life.model.label} ran out of memory while it was loaded` });
    say(run, { kind: "load-failed", key, why: "no-memory", message: "it ran out of memory" });
    read(run);
    return;
  }
  const tookMs = run.atMs - life.startedMs;
  note(run, { kind: "loaded", name: key, text: `${life.model.label} is ready after ${(tookMs / 1_000).toFixed(1)} s` });
  say(run, { kind: "loaded", key, held: heldOf(run, life), slots, tookMs });
}

function heldOf({ machine }: Run, { model }: Life) {
  if (!model.saysHeld) return null;
  const devices = [...new Set(model.options.flatMap((it) => it.needs.map(({ device }) => device)))];
  return devices.map((device) => ({ device, bytes: machine.heldBy(model.key, device) })).filter((it) => it.bytes > 0);
}

function unloadEnds(run: Run, life: Life): void {
  run.machine.leave(life.id);
  run.lives.delete(life.model.key);
  run.agenda.add(run.atMs + FREE_MS, { kind: "freed", life });
  note(run, { kind: "unloaded", name: life.model.key, text: `${life.model.label} is gone` });
  say(run, { kind: "unloaded", key: life.model.key });
}

function carryOut(run: Run, effect: GovernEffect): void {
  switch (effect.kind) {
    case "load":
      load(run, effect);
      break;
    case "unload":
      unload(run, effect);
      break;
    case "grant":
      grant(run, effect);
      break;
    case "refuse": {
      arrivedBy(run, requestOf(effect.request)).state = "refused";
      note(run, { kind: "refuse", name: effect.request, text: effect.message });
      break;
    }
    case "preempt":
      preempt(run, effect);
      break;
    case "wait":
      note(run, {
        kind: "wait",
        name: requestOf(effect.request),
        text: `waits as number ${effect.position}: ${effect.why}`,
      });
      break;
    case "trim":
      note(run, { kind: "trim", name: effect.key, text: effect.why });
      break;
  }
}

function load(run: Run, { key, option, why }: Of<"load">): void {
  const model = modelBy(run, key);
  if (run.lives.has(key)) throw new Error(`${key} was to be loaded twice`);
  const life = { id: `${key} ${run.counts.loads}`, model, startedMs: run.atMs };
  const loadMs = msOf(model.loadSeconds);
  const chosen = optionBy(model, option);
  run.lives.set(key, life);
  run.machine.beginLoad({ id: life.id, key, option: chosen, atMs: run.atMs, loadMs });
  run.agenda.add(run.atMs + loadMs, { kind: "loadEnds", life });
  run.counts.loads++;
  run.counts.moving++;
  const where = chosen.needs.map((it) => inWords(run, it)).join(" and ");
  note(run, { kind: "load", name: key, text: `loads ${model.label} (${where}; ${why})` });
}

function inWords(run: Run, { device, gigabytes }: TraceNeed): string {
  const usedGigabytes = run.machine.usedOn(device, run.atMs) / GIGABYTE;
  return `${gigabytes} GB on ${device}, where ${usedGigabytes.toFixed(1)} GB are used`;
}

function unload(run: Run, { key, why, graceMs }: Of<"unload">): void {
  const life = run.lives.get(key);
  if (!life) throw new Error(`${key} was to be unloaded and is not loaded`);
  const busy = [...run.arrived].filter(([, it]) => it.state === "answers" && it.key === key);
  const cutMs = run.atMs + graceMs;
  let endMs = run.atMs;
  for (const [name, it] of busy) {
    endMs = Math.max(endMs, Math.min(it.endsMs, cutMs));
    if (it.endsMs <= cutMs) continue;
    it.endsMs = cutMs;
    run.counts.cutRequests++;
    run.agenda.add(cutMs, { kind: "answered", name, endsMs: cutMs });
  }
  run.agenda.add(endMs + msOf(life.model.unloadSeconds), { kind: "unloadEnds", life });
  run.counts.unloads++;
  run.counts.moving++;
  if (busy.length > 0) run.counts.busyUnloads++;
  const cost = busy.length > 0 ? `, while it answers ${busy.length}` : "";
  note(run, { kind: "unload", name: key, text: `unloads ${life.model.label}${cost} (${why})` });
}

/** It has its turn still, and may be asked for it. */
function offered(run: Run, name: string, endsMs: number): void {
  const it = arrivedBy(run, name);
  if (it.state === "answers" && it.endsMs === endsMs)
    say(run, { kind: "offer", request: turnName(name, it.preempted) });
}

/** More used than there is, at any time, is a failure: some program was refused memory. */
function watchMemory(run: Run): void {
  const full = run.machine.overfull(run.atMs);
  if (full.length > 0 && !run.isOverfull) {
    run.counts.overfull++;
    note(run, { kind: "memory", name: null, text: `${full.join(" and ")}: more memory is asked for than there is` });
  }
  run.isOverfull = full.length > 0;
}

function modelBy({ models }: Run, key: string) {
  const model = models.get(key);
  if (!model) throw new Error(`There is no model ${key} in the trace`);
  return model;
}
