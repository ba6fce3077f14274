import type { GovernEffect, GovernEvent, Priority } from "../govern/event.ts";
import { type Agenda, createAgenda } from "./agenda.ts";
import { createMachine, type Machine } from "./machine.ts";
import type { Policy } from "./policy.ts";
import type { Trace, TraceModel, TraceRequest } from "./trace.ts";

/** What came of a trace. Times are milliseconds from its beginning. */
export interface Outcome {
  readonly timeline: readonly Row[];
  readonly loads: number;
  readonly unloads: number;
  /** Models unloaded while they answered, and the requests that this ended. */
  readonly busyUnloads: number;
  readonly cutRequests: number;
  /** Turns that were ended for more urgent work. */
  readonly preemptions: number;
  /** Loads that found no memory, and times at which more was used than there is. */
  readonly outOfMemory: number;
  readonly overfull: number;
  readonly served: number;
  readonly refused: number;
  /** Requests that were neither answered nor refused when nothing more would happen. */
  readonly unserved: number;
  /** Of those that had one, in the order of their arrival. */
  readonly turns: readonly Turn[];
  readonly endedMs: number;
  readonly events: number;
}

/** A request that had its turn. */
export interface Turn {
  readonly name: string;
  /** Of the model that answered. */
  readonly key: string;
  readonly priority: Priority;
  readonly atMs: number;
  /** When it first had one. */
  readonly grantedMs: number;
  /** When it was answered; null: not yet. */
  readonly endedMs: number | null;
  /** How often its turn was ended for more urgent work. */
  readonly preempted: number;
}

export interface Row {
  readonly atMs: number;
  readonly kind: GovernEffect["kind"] | "loaded" | "unloaded" | "memory" | "world";
  /** Of the model or the request; null for what happens to the machine. */
  readonly name: string | null;
  readonly text: string;
}

/** What somebody who looks on sees after each event. */
export interface Look {
  readonly event: GovernEvent;
  readonly effects: readonly GovernEffect[];
  readonly machine: Machine;
}

export type What =
  | { readonly kind: "arrive"; readonly name: string; readonly request: TraceRequest }
  | { readonly kind: "answered" | "offered"; readonly name: string; readonly endsMs: number }
  | { readonly kind: "goesOn"; readonly name: string }
  | { readonly kind: "loadEnds" | "unloadEnds" | "freed"; readonly life: Life }
  | { readonly kind: "world"; readonly change: () => void; readonly text: string }
  | { readonly kind: "read" | "tick" };

/** One load of a model. */
export interface Life {
  readonly id: string;
  readonly model: TraceModel;
  readonly startedMs: number;
}

/** A request from its arrival on. */
export interface Arrived {
  readonly request: TraceRequest;
  readonly atMs: number;
  /** `ending`: its turn is being ended for more urgent work. */
  state: "waits" | "answers" | "ending" | "ended" | "refused";
  /** When it first had its turn; null: not yet. */
  grantedMs: number | null;
  /** What is left of its work. */
  leftMs: number;
  preempted: number;
  key: string;
  endsMs: number;
}

/** A simulation under way. */
export interface Run {
  readonly policy: Policy;
  readonly look: (seen: Look) => void;
  readonly agenda: Agenda<What>;
  readonly machine: Machine;
  readonly models: ReadonlyMap<string, TraceModel>;
  /** The models that are loaded, or on their way in or out. */
  readonly lives: Map<string, Life>;
  readonly arrived: Map<string, Arrived>;
  readonly timeline: Row[];
  readonly counts: Counts;
  /** The last thing that the trace itself brings. */
  readonly lastMs: number;
  readonly requests: number;
  atMs: number;
  tickMs: number | null;
  isOverfull: boolean;
}

interface Counts {
  loads: number;
  unloads: number;
  busyUnloads: number;
  cutRequests: number;
  preemptions: number;
  outOfMemory: number;
  overfull: number;
  events: number;
  /** Loads, unloads and returns of memory under way. */
  moving: number;
}

export function begin(trace: Trace, policy: Policy, look: Run["look"]): Run {
  const machine = createMachine(trace);
  const agenda = createAgenda<What>();
  const planned = [...worldsOf(trace, machine), ...arrivalsOf(trace)];
  const worlds = planned.filter((it) => it.what.kind === "world");
  for (const { atMs, what } of worlds) agenda.add(atMs, what);
  // What was there from the start is read before anybody asks.
  agenda.add(0, { kind: "read" });
  for (const { atMs, what } of planned) if (what.kind !== "world") agenda.add(atMs, what);
  return {
    policy,
    look,
    agenda,
    machine,
    models: new Map(trace.models.map((it) => [it.key, it])),
    lives: new Map(),
    arrived: new Map(),
    timeline: [],
    counts: {
      loads: 0,
      unloads: 0,
      busyUnloads: 0,
      cutRequests: 0,
      preemptions: 0,
      outOfMemory: 0,
      overfull: 0,
      events: 0,
      moving: 0,
    },
    lastMs: Math.max(msOf(trace.untilSeconds), ...planned.map((it) => it.atMs)),
    requests: trace.requests.length,
    atMs: 0,
    tickMs: null,
    isOverfull: false,
  };
}

function worldsOf(trace: Trace, machine: Machine): readonly { atMs: number; what: What }[] {
  const nameOf = (device: string) => trace.devices.find((it) => it.device === device)?.name ?? device;
  const world = (atSeconds: number, change: () => void, text: string) => ({
    atMs: msOf(atSeconds),
    what: { kind: "world" as const, change, text },
  });
  return [
    ...trace.foreign.map(({ atSeconds, device, gigabytes }) => {
      const text = `other programs hold ${gigabytes} GB of ${nameOf(device)}`;
      return world(atSeconds, () => machine.setForeign(device, gigabytes), text);
    }),
    ...trace.warmth.map(({ atSeconds, device, celsius }) =>
      world(atSeconds, () => machine.setWarmth(device, celsius), `${nameOf(device)} has ${celsius} °C`),
    ),
    ...trace.telemetry.map(({ atSeconds, device, health }) =>
      world(atSeconds, () => machine.setHealth(device, health), `readings of ${nameOf(device)} are ${health}`),
    ),
  ];
}

function arrivalsOf(trace: Trace): readonly { atMs: number; what: What }[] {
  return trace.requests.map((request, nth) => ({
    atMs: msOf(request.atSeconds),
    what: { kind: "arrive", name: `r${nth + 1}`, request },
  }));
}

export function msOf(seconds: number): number {
  return Math.round(seconds * 1_000);
}

/** Nothing is to come, nobody waits, and nothing is on its way. */
export function isOver({ atMs, lastMs, arrived, requests, counts }: Run): boolean {
  if (atMs <= lastMs || counts.moving > 0 || arrived.size < requests) return false;
  for (const it of arrived.values()) if (it.state !== "ended" && it.state !== "refused") return false;
  return true;
}

export function outcomeOf(run: Run): Outcome {
  const all = [...run.arrived.values()];
  const { moving: _, ...counts } = run.counts;
  return {
    timeline: run.timeline,
    ...counts,
    served: all.filter((it) => it.state === "ended").length,
    refused: all.filter((it) => it.state === "refused").length,
    unserved: run.requests - all.filter((it) => it.state === "ended" || it.state === "refused").length,
    turns: [...run.arrived].filter(([, it]) => it.grantedMs !== null).map(turnOf),
    endedMs: run.atMs,
  };
}

function turnOf([name, it]: readonly [string, Arrived]): Turn {
  const { key, request, atMs, preempted } = it;
  const endedMs = it.state === "ended" ? it.endsMs : null;
  return { name, key, priority: request.priority, atMs, grantedMs: it.grantedMs ?? atMs, endedMs, preempted };
}

export function note(run: Run, row: Omit<Row, "atMs">): void {
  run.timeline.push({ atMs: run.atMs, ...row });
}
