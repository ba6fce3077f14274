import assert from "node:assert/strict";
import { test } from "node:test";
import { route } from "../../server/core/route/decide.ts";
import { explain } from "../../server/core/route/explain.ts";
import { DEFAULT_POLICY } from "../../server/core/route/policy.ts";
import { price } from "../../server/core/route/price.ts";
import { recordOf } from "../../server/core/route/record.ts";
import { replay } from "../../server/core/route/replay.ts";
import { ORDER } from "../../server/core/route/standing.ts";
import type { EngineView, RouteInput } from "../../server/core/route.ts";
import { RouteRecord } from "../../server/protocol/routing.ts";
import { generator, randomInput } from "./randomRoutes.ts";

const ROUNDS = 400;

/** Many inputs, the same ones each time. */
function forAll(name: string, holds: (input: RouteInput, next: () => number) => void): void {
  test(name, () => {
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const next = generator(seed);
      const input = randomInput(next);
      try {
        holds(input, next);
      } catch (error) {
        throw new Error(`seed ${seed}: ${JSON.stringify(input)}`, { cause: error });
      }
    }
  });
}

forAll("the same input has the same answer, in whatever order its engines come", (input, next) => {
  const made = route(input);
  assert.deepEqual(route(structuredClone(input)), made);
  const shuffled = input.engines.map((it) => ({ it, at: next() })).toSorted((a, b) => a.at - b.at);
  assert.deepEqual(route({ ...input, engines: shuffled.map(({ it }) => it) }), made);
});

forAll("candidates are in one order: by standing, then by time; every term is finite, and they add up", (input) => {
  const { candidates = [], draft } = route(input) ?? {};
  for (const { cost, standing } of candidates) {
    const { totalMs, ...terms } = cost;
    for (const ms of Object.values(cost)) assert.ok(Number.isFinite(ms) && Number(ms) >= 0);
    assert.equal(
      Object.values(terms).reduce((sum: number, ms = 0) => sum + ms, 0),
      totalMs,
    );
    assert.ok(standing);
  }
  const places = candidates.map(({ standing, cost }) => [ORDER.indexOf(standing ?? "shut"), cost.totalMs] as const);
  for (const [at, [rank, ms]] of places.entries()) {
    const [before, beforeMs] = places[at - 1] ?? [-1, 0];
    assert.ok(before < rank || (before === rank && beforeMs <= ms));
  }
  assert.equal(draft?.standing, candidates[0]?.standing, "who drafts stands as well as anybody");
});

forAll("who drafts is done about as soon as the best of those that stand alike", (input) => {
  const { draft, candidates = [] } = route(input) ?? {};
  if (!draft) return;
  const bestMs = candidates[0]?.cost.totalMs ?? 0;
  assert.ok(draft.cost.totalMs <= bestMs + Math.max(DEFAULT_POLICY.equalMs, bestMs * DEFAULT_POLICY.equalShare));
});

forAll("no text leaves this machine unless that is allowed", (input) => {
  const clouds = new Set(input.engines.filter((it) => it.isCloud).map((it) => it.id));
  const { candidates = [], audit } = route({ ...input, cloud: null }) ?? {};
  const refused = route({ ...input, cloud: { isAllowed: false, why: "it holds a secret", when: "first" } });
  for (const it of [...candidates, ...(refused?.candidates ?? [])]) assert.ok(!clouds.has(it.engine));
  assert.ok(!audit || !clouds.has(audit.engine));
  assert.ok(!clouds.has(route(input)?.audit?.engine ?? ""), "an audit never does");
});

forAll("a fallback in the cloud is asked only where nobody here may be", (input) => {
  const cloud = { isAllowed: true, why: "allowed", when: "fallback" } as const;
  const { draft, candidates = [] } = route({ ...input, cloud }) ?? {};
  const isHere = candidates.some((it) => ["meant", "drafts", "other"].includes(it.standing ?? ""));
  if (isHere) assert.notEqual(draft?.standing, "cloud");
});

forAll("an engine whose breaker is open comes last", (input) => {
  const [first, ...others] = input.engines;
  if (!first) return;
  const breaker = { state: "open", retryInMs: 1_000, why: "refused" } as const;
  const { draft, candidates = [] } = route({ ...input, engines: [{ ...first, breaker }, ...others] }) ?? {};
  const rank = candidates.findIndex((it) => it.engine === first.id);
  if (rank === -1) return;
  assert.ok(candidates.slice(rank + 1).every((it) => it.standing === "shut"));
  if (draft?.engine === first.id) assert.ok(candidates.every((it) => it.standing === "shut"));
});

/** Each makes one thing worse; none may make the price lower. */
const WORSE: readonly (readonly [string, (it: EngineView, more: number) => Partial<EngineView>])[] = [
  ["load", ({ load }, more) => ({ load: load + 1 + Math.floor(more * 9) })],
  ["failures", ({ failures }, more) => ({ failures: failures + 1 + Math.floor(more * 3) })],
  ["unreliability", ({ reliability }, more) => ({ reliability: (reliability ?? 1) * more })],
  ["warmth", () => ({ thermal: "critical" })],
  ["loading", () => ({ isResident: false })],
  [
    "a slower decode",
    ({ decodePerSecond }, more) => ({ decodePerSecond: (decodePerSecond ?? 1e-3) * (0.01 + 0.98 * more) }),
  ],
];

for (const [name, worsen] of WORSE)
  forAll(`a price never falls with ${name}`, (input, next) => {
    for (const engine of input.engines) {
      // A rate that says nothing is not lower than another.
      if (name === "a slower decode" && !((engine.decodePerSecond ?? 0) > 0 && (engine.prefillPerSecond ?? 0) > 0))
        continue;
      const before = price(engine, input, DEFAULT_POLICY).cost.totalMs;
      const after = price({ ...engine, ...worsen(engine, next()) }, input, DEFAULT_POLICY).cost.totalMs;
      // Each of eight terms is rounded.
      assert.ok(after >= before - 8, `${engine.id}: ${before} became ${after}`);
    }
  });

forAll("a price never falls with tokens to read or to write, and never rises with warm ones", (input) => {
  for (const engine of input.engines) {
    const of = (more: Partial<RouteInput>) => price(engine, { ...input, ...more }, DEFAULT_POLICY).cost.totalMs;
    const now = of({});
    assert.ok(of({ promptTokens: input.promptTokens + 500 }) >= now - 8);
    assert.ok(of({ outputTokens: input.outputTokens + 500 }) >= now - 8);
    assert.ok(of({ warmTokens: { [engine.id]: 1e9 } }) <= now + 8);
  }
});

forAll("a decision that was stored and read again is made the same way", (input) => {
  const made = route(input);
  if (!made) return;
  const stored = RouteRecord.parse(JSON.parse(JSON.stringify(recordOf(input, made))));
  const again = replay(stored, DEFAULT_POLICY);
  assert.deepEqual([again.isSame, again.gainMs, again.why], [true, 0, made.why]);
  const free = replay(stored, { ...DEFAULT_POLICY, penaltyMs: 0, equalShare: 0, equalMs: 0 });
  assert.ok(free.after !== null && Number.isFinite(free.gainMs));
});

forAll("what is said to make the runner-up win does", (input) => {
  const made = route(input);
  if (!made) return;
  const told = explain(recordOf(input, made), DEFAULT_POLICY);
  assert.equal(told?.made.draft.engine, made.draft.engine);
  if (!told?.runnerUp) return assert.equal(made.candidates.length, 1);
  const { engine } = told.runnerUp;
  if (!told.wouldWinIf.includes("it were loaded already")) return;
  const engines = input.engines.map((it) => (it.id === engine ? { ...it, isResident: true } : it));
  assert.equal(route({ ...input, engines })?.draft.engine, engine);
});
