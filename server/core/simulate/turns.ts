import type { GovernEffect } from "../govern/event.ts";
import { type Arrived, note, type Run } from "./run.ts";

export type Of<Kind extends GovernEffect["kind"]> = Extract<GovernEffect, { kind: Kind }>;

/** How long an engine takes to be free of a request that is broken off (llama.cpp looks between two batches). */
const ENDING_MS = 50;

export function grant(run: Run, { request, key, why }: Of<"grant">): void {
  const name = requestOf(request);
  const it = run.arrived.get(name);
  if (it?.state !== "waits") throw new Error(`${request} has no turn to be given`);
  if (!run.lives.has(key)) throw new Error(`${request} was to be answered by ${key}, which is not loaded`);
  const endsMs = run.atMs + it.leftMs;
  Object.assign(it, { state: "answers", grantedMs: it.grantedMs ?? run.atMs, key, endsMs });
  run.agenda.add(endsMs, { kind: "answered", name, endsMs });
  if (it.request.yields) run.agenda.add(run.atMs, { kind: "offered", name, endsMs });
  const waited = ((run.atMs - it.atMs) / 1_000).toFixed(1);
  const stead = why === null ? "" : ` (${why})`;
  const verb = it.preempted > 0 ? "goes on with" : "answered by";
  note(run, {
    kind: "grant",
    name,
    text: `${verb} ${key} after ${waited} s${stead}`,
  });
}

export function preempt(run: Run, { request, key, why }: Of<"preempt">): void {
  const name = requestOf(request);
  const it = run.arrived.get(name);
  if (it?.state !== "answers" || it.key !== key) throw new Error(`${request} has no turn on ${key} to be ended`);
  Object.assign(it, { state: "ending", leftMs: Math.max(0, it.endsMs - run.atMs) });
  run.counts.preemptions++;
  run.agenda.add(run.atMs + ENDING_MS, { kind: "goesOn", name });
  note(run, { kind: "preempt", name, text: `gives way on ${key} (${why})` });
}

export function arrivedBy({ arrived }: Run, name: string): Arrived {
  const it = arrived.get(name);
  if (!it) throw new Error(`There is no request ${name} in the trace`);
  return it;
}

/** Each turn of a request has a name of its own. */
export function turnName(name: string, preempted: number): string {
  return preempted === 0 ? name : `${name}+${preempted}`;
}

/** The request that a turn is of. */
export function requestOf(turn: string): string {
  return turn.split("+")[0] ?? turn;
}
