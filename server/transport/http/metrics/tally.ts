import type { Registry } from "prom-client";
import type { Counted, Spreads, Tallied } from "../../../tally.ts";
import { counter, histogram } from "./family.ts";

/** What was counted since the orchestrator began. */
export function addTally(registry: Registry, tallied: Tallied): void {
  for (const { name, help, labels, read } of COUNTS)
    counter(
      registry,
      { name: `tandem_${name}`, help, labels },
      read(tallied).map((it) => ({ labels: it.labels, value: it.count })),
    );
  for (const { name, help, labels, read } of SPREADS)
    histogram(registry, { name: `tandem_${name}`, help, labels }, read(tallied));
}

/** One metric: how it is called and described, and where what it tells stands in the tally. */
interface Metric<Told> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (it: Tallied) => Told;
}

const COUNTS: readonly Metric<readonly Counted[]>[] = [
  {
    name: "requests_total",
    help: "Requests that ended, by how: ok, or the code of the failure",
    labels: ["method", "client", "outcome", "model"],
    read: (it) => it.requests,
  },
  {
    name: "governor_loads_total",
    help: "Loads that ended, by how: ok, no-memory, other",
    labels: ["model", "outcome"],
    read: (it) => it.loads,
  },
  {
    name: "governor_unloads_total",
    help: "Unloads that were begun: by the user or the settings, or by the governor; why: room, idle, pressure, heat, settings, user",
    labels: ["model", "by", "why"],
    read: (it) => it.unloads,
  },
  {
    name: "governor_trims_total",
    help: "Idle models whose context was given back",
    labels: ["model"],
    read: (it) => it.trims,
  },
  {
    name: "governor_grants_total",
    help: "Turns that were given, by the model and whether it stood in for another",
    labels: ["model", "stand_in"],
    read: (it) => it.grants,
  },
  {
    name: "governor_preemptions_total",
    help: "Turns that were ended for more urgent work, which goes on later; by the model",
    labels: ["model"],
    read: (it) => it.preemptions,
  },
  {
    name: "breaker_changes_total",
    help: "Circuit breakers that opened after failures, or closed again; by the model",
    labels: ["model", "state"],
    read: (it) => it.breakers,
  },
  {
    name: "governor_waits_total",
    help: "Requests that could not be given a turn at once",
    labels: [],
    read: (it) => it.waits,
  },
  {
    name: "governor_refusals_total",
    help: "Requests that were refused, by why: no-memory, load-failed, too-many",
    labels: ["why"],
    read: (it) => it.refusals,
  },
];

const SPREADS: readonly Metric<Spreads>[] = [
  {
    name: "request_duration_seconds",
    help: "What answered requests took, waiting and loading included",
    labels: ["method", "model"],
    read: (it) => it.requestSeconds,
  },
  {
    name: "time_to_first_text_seconds",
    help: "Time to the first text of answers that came in pieces, waiting and loading included",
    labels: ["method", "model"],
    read: (it) => it.firstTextSeconds,
  },
  {
    name: "governor_load_duration_seconds",
    help: "What loads took",
    labels: ["model"],
    read: (it) => it.loadSeconds,
  },
  {
    name: "governor_wait_duration_seconds",
    help: "How long those requests waited that got a turn later",
    labels: ["model"],
    read: (it) => it.waitSeconds,
  },
];
