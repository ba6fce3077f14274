import type { GovernEffect, GovernEvent } from "./core/govern/event.ts";
import type { Clock } from "./ports.ts";
import { seriesName } from "./protocol/seriesName.ts";

type Labels = Readonly<Record<string, string>>;

/** How often something happened, by what it is told apart. */
export interface Counted {
  readonly labels: Labels;
  readonly count: number;
}

/** How long something took: of how many it is known, all of them together, and how many took at most each of the family's bounds. */
export interface Spread extends Counted {
  readonly seconds: number;
  readonly within: readonly number[];
}

/** A family of spreads; `bounds` in seconds, rising. */
export interface Spreads {
  readonly bounds: readonly number[];
  readonly all: readonly Spread[];
}

/** What has happened since the orchestrator began. Labels are kinds, outcomes and the labels of models: never texts or places. */
export interface Tallied {
  readonly startedMs: number;
  /** By method, client, outcome and model; "none" where no model was decided on. */
  readonly requests: readonly Counted[];
  /** By method and model, of those that were answered. */
  readonly requestSeconds: Spreads;
  /** From the request to its first text, waiting and loading included; only of answers that come in pieces. By method and model. */
  readonly firstTextSeconds: Spreads;
  /** By model and outcome: ok, no-memory, other. */
  readonly loads: readonly Counted[];
  readonly loadSeconds: Spreads;
  /** By model, by whom (the user or his settings, or the governor), and for what. */
  readonly unloads: readonly Counted[];
  readonly trims: readonly Counted[];
  /** Turns that were ended for more urgent work, by model. */
  readonly preemptions: readonly Counted[];
  /** Circuit breakers that opened or closed, by model and state. */
  readonly breakers: readonly Counted[];
  /** Turns that were given, by model and whether it stands in for another. */
  readonly grants: readonly Counted[];
  /** Requests for a turn that did not get one at once. */
  readonly waits: readonly Counted[];
  /** What they waited until their turn, for what reason ever. By model. */
  readonly waitSeconds: Spreads;
  /** By why: no-memory, load-failed, too-many. */
  readonly refusals: readonly Counted[];
}

/** One request, as long as it runs. */
export interface Running {
  /** It told of this: the first piece of text is what counts. */
  told(event: { readonly kind: string }): void;
  ended(outcome: string, model: string | null): void;
}

/** What happens, without its time: the tally looks at its own clock. */
type News = GovernEvent extends infer One ? (One extends unknown ? Omit<One, "atMs"> : never) : never;

/** What the governor heard, and what it wanted done then. */
export interface Governed {
  readonly news: News;
  readonly effects: readonly GovernEffect[];
  /** Label of the model with this key. */
  readonly modelOf: (key: string) => string | null;
}

export interface Tally {
  began(request: { readonly method: string; readonly client: string }): Running;
  governed(it: Governed): void;
  /** An engine's circuit breaker opened, or closed again. */
  breaker(changed: { readonly model: string; readonly state: "open" | "closed" }): void;
  read(): Tallied;
}

export interface TallyDeps {
  readonly clock: Clock;
  readonly wallMs: () => number;
}

/** Endpoints may serve any number of models; those that come later are counted together. */
const MOST_MODELS = 50;
const OTHER_MODELS = "other";
const NO_MODEL = "none";
/** Families of counts cannot outgrow this, whatever is told. */
const MOST_SERIES = 2_000;
const REQUEST_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];
const TEXT_BOUNDS = [0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 25, 50, 100];
const LOAD_BOUNDS = [0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];
const WAIT_BOUNDS = [0.01, 0.05, 0.25, 1, 2.5, 5, 10, 20, 40, 80, 160, 320];

/** Counts what happens, for whoever asks. Nothing is kept of a request but what it adds to the sums. */
export function createTally({ clock, wallMs }: TallyDeps): Tally {
  const startedMs = wallMs();
  const named = createNames();
  const requests = createCounts();
  const requestSeconds = createSpreads(REQUEST_BOUNDS);
  const firstTextSeconds = createSpreads(TEXT_BOUNDS);
  const governor = createGovernorTally(clock, named);
  const breakers = createCounts();
  return {
    began({ method, client }) {
      const beganMs = clock.nowMs();
      let firstMs: number | null = null;
      return {
        told({ kind }) {
          if (kind === "draft" || kind === "chunk") firstMs ??= clock.nowMs();
        },
        ended(outcome, label) {
          const model = label === null ? NO_MODEL : named(label);
          requests.add({ method, client, outcome, model });
          if (firstMs !== null) firstTextSeconds.add({ method, model }, firstMs - beganMs);
          if (outcome === "ok") requestSeconds.add({ method, model }, clock.nowMs() - beganMs);
        },
      };
    },
    governed: governor.governed,
    breaker: ({ model, state }) => breakers.add({ model: named(model), state }),
    read: () => ({
      startedMs,
      requests: requests.read(),
      requestSeconds: requestSeconds.read(),
      firstTextSeconds: firstTextSeconds.read(),
      breakers: breakers.read(),
      ...governor.read(),
    }),
  };
}

function createGovernorTally(clock: Clock, named: (label: string) => string) {
  const [loads, unloads, trims] = [createCounts(), createCounts(), createCounts()];
  const [grants, refusals, preemptions] = [createCounts(), createCounts(), createCounts()];
  const loadSeconds = createSpreads(LOAD_BOUNDS);
  const waits = createWaits(clock);
  /** What the user or his settings want gone; it may be busy for a while. */
  const unwanted = new Set<string>();

  function hear({ news, modelOf }: Governed, model: string): void {
    if (news.kind === "release" || news.kind === "retire") {
      // Those that were forgotten without an unload.
      for (const it of unwanted) if (modelOf(it) === null) unwanted.delete(it);
      unwanted.add(news.key);
    }
    if (news.kind === "unloaded") unwanted.delete(news.key);
    if (news.kind === "done") waits.gone(news.request);
    if (news.kind === "load-failed") loads.add({ model, outcome: news.why });
    if (news.kind !== "loaded") return;
    loads.add({ model, outcome: "ok" });
    loadSeconds.add({ model }, news.tookMs);
  }

  function see(effect: GovernEffect, model: string): void {
    if (effect.kind === "load") unwanted.delete(effect.key);
    if (effect.kind === "unload")
      unloads.add({ model, by: unwanted.has(effect.key) ? "user" : "governor", why: effect.cause });
    if (effect.kind === "trim") trims.add({ model });
    if (effect.kind === "preempt") preemptions.add({ model });
    if (effect.kind === "wait") waits.began(effect.request);
    if (effect.kind === "refuse") {
      waits.gone(effect.request);
      refusals.add({ why: effect.why });
    }
    if (effect.kind !== "grant") return;
    grants.add({ model, stand_in: String(effect.why !== null) });
    waits.over(effect.request, model);
  }

  return {
    governed(it: Governed): void {
      const { news, effects, modelOf } = it;
      const modelAt = (about: News | GovernEffect) =>
        named(("key" in about ? modelOf(about.key) : null) ?? OTHER_MODELS);
      hear(it, modelAt(news));
      for (const effect of effects) see(effect, modelAt(effect));
    },
    read: () => ({
      ...{ loads: loads.read(), loadSeconds: loadSeconds.read(), unloads: unloads.read(), trims: trims.read() },
      ...{ grants: grants.read(), refusals: refusals.read(), preemptions: preemptions.read(), ...waits.read() },
    }),
  };
}

/** Requests that wait for their turn; the governor bounds how many do. */
function createWaits(clock: Clock) {
  const counts = createCounts();
  const waited = createSpreads(WAIT_BOUNDS);
  const sinceMs = new Map<string, number>();
  return {
    began(request: string): void {
      if (sinceMs.has(request)) return;
      sinceMs.set(request, clock.nowMs());
      counts.add({});
    },
    over(request: string, model: string): void {
      const began = sinceMs.get(request);
      if (began !== undefined) waited.add({ model }, clock.nowMs() - began);
      sinceMs.delete(request);
    },
    gone: (request: string) => void sinceMs.delete(request),
    read: () => ({ waits: counts.read(), waitSeconds: waited.read() }),
  };
}

/** The labels of models as they are counted. */
function createNames(): (label: string) => string {
  const names = new Set<string>([OTHER_MODELS]);
  return (label) => {
    const name = seriesName(label);
    if (!names.has(name) && names.size > MOST_MODELS) return OTHER_MODELS;
    names.add(name);
    return name;
  };
}

function createCounts() {
  const all = new Map<string, { readonly labels: Labels; count: number }>();
  return {
    add(labels: Labels): void {
      const found = seriesOf(all, labels, () => ({ labels, count: 0 }));
      if (found) found.count++;
    },
    read: (): readonly Counted[] => [...all.values()].map((it) => ({ ...it })),
  };
}

function createSpreads(bounds: readonly number[]) {
  const all = new Map<string, { readonly labels: Labels; count: number; seconds: number; readonly within: number[] }>();
  return {
    add(labels: Labels, ms: number): void {
      const seconds = Math.max(0, ms / 1_000);
      const found = seriesOf(all, labels, () => ({ labels, count: 0, seconds: 0, within: bounds.map(() => 0) }));
      if (!found) return;
      found.count++;
      found.seconds += seconds;
      for (const [nth, bound] of bounds.entries())
        if (seconds <= bound) found.within[nth] = (found.within[nth] ?? 0) + 1;
    },
    read: (): Spreads => ({ bounds, all: [...all.values()].map((it) => ({ ...it, within: [...it.within] })) }),
  };
}

function seriesOf<Series>(all: Map<string, Series>, labels: Labels, make: () => Series): Series | null {
  const key = JSON.stringify(labels);
  const found = all.get(key);
  if (found) return found;
  if (all.size >= MOST_SERIES) return null;
  const made = make();
  all.set(key, made);
  return made;
}
