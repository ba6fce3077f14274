// What the governor saves and costs: `npm run bench:govern`. 200 requests alternate between three models of which two fit; loads by the
// governor, by first come first served with least recently used, and the fewest that anybody could do with who knew the future, for the
// trace that ships and for others like it. Then what an event costs. Fails when the shipped trace needs more than 0.6 of the loads.
import { GOVERN_RULES } from "../../server/core/govern/rules.ts";
import { compare } from "../../server/core/simulate/compare.ts";
import { fewestLoads } from "../../server/core/simulate/optimum.ts";
import { governed } from "../../server/core/simulate/policy.ts";
import { SCENARIOS } from "../../server/core/simulate/scenarios.ts";
import { simulate } from "../../server/core/simulate/simulate.ts";
import type { Trace } from "../../server/core/simulate/trace.ts";
import { crowdedTrace, randomFrom } from "../core/govern/randomTrace.ts";

const MOST_SHARE = 0.6;
const ROUNDS = 10;

const shipped = SCENARIOS.get("alternating")?.();
if (!shipped) throw new Error("There is no trace called alternating");

process.stdout.write(
  `${row(["requests every", "governor", "plain", "share", "fewest", "mean wait", "longest", "of at most", "fewest at that"])}\n`,
);
const { share, isWithin } = show("6 s, in turn", shipped);
for (const every of [2, 4, 8, 12, 20]) show(`${every} s, in turn`, spaced(shipped, every));
for (const every of [4, 8]) show(`${every} s, by chance`, shuffled(spaced(shipped, every)));

for (const [name, trace] of [
  ["eight cards, 161 requests", SCENARIOS.get("eight")?.()],
  ["one card, 60 requests at once", crowdedTrace(1)],
] as const)
  if (trace) process.stdout.write(`${name}: ${costOf(trace)}\n`);

if (share > MOST_SHARE || !isWithin) {
  process.stderr.write(`The governor needs ${share.toFixed(2)} of the loads, or somebody waited beyond the bound\n`);
  process.exitCode = 1;
}

function show(name: string, trace: Trace): { share: number; isWithin: boolean } {
  const { governor, plain, fewestLoads: fewest } = compare(trace);
  const { waits } = governor;
  const share = governor.outcome.loads / plain.outcome.loads;
  const boundMs = waits.nearest?.boundMs ?? 0;
  const cells = [
    name,
    `${governor.outcome.loads} loads`,
    plain.outcome.loads,
    share.toFixed(2),
    fewest ?? "?",
    seconds(waits.meanMs),
    seconds(waits.longestMs),
    seconds(boundMs),
    fewestLoads(trace, boundMs) ?? "?",
  ];
  process.stdout.write(`${row(cells)}\n`);
  return { share, isWithin: (waits.nearest?.waitedMs ?? 0) <= boundMs };
}

function spaced(trace: Trace, every: number): Trace {
  return { ...trace, requests: trace.requests.map((it, nth) => ({ ...it, atSeconds: nth * every })) };
}

function shuffled(trace: Trace): Trace {
  const random = randomFrom(7);
  const keys = trace.models.map((it) => it.key);
  const choose = () => [keys[Math.floor(random() * keys.length)] ?? ""];
  return { ...trace, requests: trace.requests.map((it) => ({ ...it, choices: choose() })) };
}

/** Without what the simulation itself costs; of several rounds the best, since what else runs here is no cost of ours. */
function costOf(trace: Trace): string {
  const rounds = Array.from({ length: ROUNDS }, () => timesOf(trace)).sort((a, b) => mean(a) - mean(b));
  const [best = []] = rounds;
  const p99 = best[Math.floor(best.length * 0.99)] ?? 0;
  const perSecond = Math.round(1_000 / mean(best));
  return `${best.length} events, ${micro(mean(best))} each, 99 of 100 within ${micro(p99)}: ${perSecond} a second`;
}

function timesOf(trace: Trace): readonly number[] {
  const policy = governed(GOVERN_RULES);
  const tookMs: number[] = [];
  simulate(trace, {
    dueAtMs: policy.dueAtMs,
    hear(event) {
      const startMs = performance.now();
      const effects = policy.hear(event);
      tookMs.push(performance.now() - startMs);
      return effects;
    },
  });
  return tookMs.sort((a, b) => a - b);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, it) => sum + it, 0) / values.length;
}

function row(cells: readonly (string | number)[]): string {
  return cells.map((it, nth) => String(it).padEnd(nth === 0 ? 16 : 11)).join("");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function micro(ms: number): string {
  return `${Math.round(ms * 1_000)} µs`;
}
