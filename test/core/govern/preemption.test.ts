import assert from "node:assert/strict";
import { test } from "node:test";
import type { GovernEffect, GovernEvent } from "../../../server/core/govern/event.ts";
import { GOVERN_RULES } from "../../../server/core/govern/rules.ts";
import { governed } from "../../../server/core/simulate/policy.ts";
import { simulate } from "../../../server/core/simulate/simulate.ts";
import { CALM, randomTrace } from "./randomTrace.ts";
import { turnOracle } from "./turnOracle.ts";

type Governor = ReturnType<typeof governed>;

const SEEDS = 60;

test(`${SEEDS} random traces: turns end only for more urgent work, three times at most, and nothing is lost`, () => {
  let preemptions = 0;
  for (let seed = 1; seed <= SEEDS; seed++) preemptions += checked(seed, governed(GOVERN_RULES));
  assert.ok(preemptions > SEEDS, `${preemptions} turns were ended: too few to show anything`);
});

const planted: readonly { name: string; governor: () => Governor; says: RegExp }[] = [
  {
    name: "turns end for equals",
    governor: () => endingForAnybody(governed(GOVERN_RULES)),
    says: /for nobody more urgent/,
  },
  {
    name: "what was ended is forgotten",
    governor: () => hearing((it) => (it.kind === "want" && it.preempted ? null : it)),
    says: /is lost|goes before what has begun/,
  },
  {
    name: "what was ended goes to the end of the line",
    governor: () =>
      hearing((it) => {
        if (it.kind !== "want") return it;
        const { preempted: _, ...rest } = it;
        return rest;
      }),
    says: /goes before what has begun|again and again/,
  },
  {
    name: "turns end for ever",
    governor: () =>
      governed({
        ...GOVERN_RULES,
        ...{ mostPreemptions: Number.POSITIVE_INFINITY, mostBackgroundPreemptions: Number.POSITIVE_INFINITY },
      }),
    says: /again and again/,
  },
  {
    name: "no turn ever ends",
    governor: () => governed({ ...GOVERN_RULES, mostPreemptions: 0, mostBackgroundPreemptions: 0 }),
    says: /which could be had/,
  },
  {
    name: "background work runs beside a person's request",
    governor: () => governed({ ...GOVERN_RULES, besideInteractive: "runs" }),
    says: /runs beside/,
  },
  {
    name: "turns end that were not offered",
    governor: () => offeringAll(governed(GOVERN_RULES)),
    says: /cannot be ended/,
  },
];

for (const { name, governor, says } of planted)
  test(`it is found where ${name}`, () => {
    assert.throws(() => {
      for (let seed = 1; seed <= SEEDS; seed++) checked(seed, governor());
    }, says);
  });

/** How many turns were ended. */
function checked(seed: number, governor: Governor): number {
  const trace = randomTrace(seed, CALM);
  const look = turnOracle(trace.about);
  const outcome = simulate(trace, governor, (seen) => look(governor.state, seen));
  assert.equal(outcome.unserved, 0, `${trace.about}: a request is lost`);
  assert.equal(outcome.served, trace.requests.length);
  return outcome.preemptions;
}

/** One that hears something else than what is said. */
function hearing(change: (event: GovernEvent) => GovernEvent | null): Governor {
  const governor = governed(GOVERN_RULES);
  return {
    get state() {
      return governor.state;
    },
    hear(event) {
      const heard = change(event);
      return heard ? governor.hear(heard) : [];
    },
    dueAtMs: governor.dueAtMs,
  };
}

/** One that ends the first turn that was offered for whoever comes next. */
function endingForAnybody(governor: Governor): Governor {
  return {
    get state() {
      return governor.state;
    },
    hear(event) {
      const effects = governor.hear(event);
      if (event.kind !== "want" || effects.some((it) => it.kind === "preempt")) return effects;
      const [request, asked] = [...governor.state.requests].find(([, it]) => it.isOffered && it.grant) ?? [];
      if (!request || !asked?.grant || asked.grant.isEnding || asked.priority !== event.priority) return effects;
      return [...effects, { kind: "preempt", request, key: asked.grant.key, why: "anybody" } satisfies GovernEffect];
    },
    dueAtMs: governor.dueAtMs,
  };
}

/** One that takes every turn for offered. */
function offeringAll(governor: Governor): Governor {
  return {
    get state() {
      return governor.state;
    },
    hear(event) {
      const effects = governor.hear(event);
      const offered = effects.flatMap((it) =>
        it.kind === "grant" ? governor.hear({ kind: "offer", request: it.request, atMs: event.atMs }) : [],
      );
      return [...effects, ...offered];
    },
    dueAtMs: governor.dueAtMs,
  };
}
