import assert from "node:assert/strict";
import { test } from "node:test";
import { waitBoundMs } from "../../../server/core/govern/bound.ts";
import { GOVERN_RULES } from "../../../server/core/govern/rules.ts";
import type { GovernState } from "../../../server/core/govern/state.ts";
import { type Ledger, ledgerOf } from "../../../server/core/govern/view.ts";
import { governed } from "../../../server/core/simulate/policy.ts";
import type { Look, Outcome } from "../../../server/core/simulate/run.ts";
import { simulate } from "../../../server/core/simulate/simulate.ts";
import type { Trace } from "../../../server/core/simulate/trace.ts";
import { requestOf } from "../../../server/core/simulate/turns.ts";
import { CALM, crowdedTrace, randomTrace, type Weather } from "./randomTrace.ts";

const SEEDS = 75;
const CROWDS = 50;

/** `mayRunOut`: what nobody could foresee adds up to more than the reserve. */
const weathers: readonly { name: string; weather: Weather; mayRunOut?: true }[] = [
  { name: "nothing but requests", weather: CALM },
  { name: "other programs come and go", weather: { ...CALM, foreign: "some" } },
  { name: "readings are missing at times", weather: { ...CALM, telemetry: "bad" } },
  { name: "devices get hot", weather: { ...CALM, heat: "hot" } },
  { name: "estimates are wrong", weather: { ...CALM, estimates: "wrong" } },
  {
    name: "all at once",
    weather: { foreign: "some", telemetry: "bad", heat: "hot", estimates: "wrong" },
    mayRunOut: true,
  },
];

for (const { name, weather, mayRunOut } of weathers)
  test(`${SEEDS} random traces in which ${name}`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const trace = randomTrace(seed, weather);
      const checkWait = boundWatch(trace);
      const { outcome, state } = watched(trace, (state, seen) => {
        checkUnloads(state, seen, trace.about);
        checkLoads(state, seen, trace.about);
        if (weather !== CALM) return;
        checkLedger(state, trace.about);
        checkWait(state, seen);
      });
      assert.equal(outcome.unserved, 0, `${trace.about}: every request is answered or refused`);
      if (!mayRunOut) assert.equal(outcome.outOfMemory + outcome.overfull, 0, `${trace.about}: memory never runs out`);
      if (weather.estimates === "right") {
        assert.equal(outcome.refused, 0, `${trace.about}: nothing that fits is refused`);
        checkReality(state, outcome, trace);
      }
    }
  });

test("nobody waits beyond the bound where every model is wanted all the time", () => {
  for (let seed = 1; seed <= CROWDS; seed++) {
    const trace = crowdedTrace(seed);
    watched(trace, boundWatch(trace));
  }
});

test("the same trace gives the same decisions, and no state is changed by what comes after it", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const trace = randomTrace(seed, CALM);
    let before: { state: GovernState; printed: string } | null = null;
    const first = watched(trace, (state) => {
      if (before) assert.equal(printed(before.state), before.printed);
      before = { state, printed: printed(state) };
    });
    assert.deepEqual(simulate(trace, governed(GOVERN_RULES)).timeline, first.outcome.timeline);
  }
});

function watched(
  trace: Trace,
  look: (state: GovernState, seen: Look) => void,
): { outcome: Outcome; state: GovernState } {
  const policy = governed(GOVERN_RULES);
  const outcome = simulate(trace, policy, (seen) => look(policy.state, seen));
  return { outcome, state: policy.state };
}

/** No byte is given to two: what all are counted with is never more than there is to give. */
function checkLedger(state: GovernState, about: string): void {
  for (const it of ledgerOf(state, GOVERN_RULES))
    assert.ok(countedIn(it) <= it.totalBytes - it.reserveBytes, `${about}: ${it.device} is given out twice`);
}

/** Whatever the weather, a load begins only where there is room for it beside all that is known to be taken. */
function checkLoads(state: GovernState, { effects }: Look, about: string): void {
  for (const it of effects) {
    if (it.kind !== "load") continue;
    for (const ledger of ledgerOf(state, GOVERN_RULES)) {
      const isThere = ledger.ours.some(({ key }) => key === it.key);
      const most = ledger.totalBytes - ledger.reserveBytes;
      if (isThere) assert.ok(countedIn(ledger) <= most, `${about}: ${it.key} is loaded where there is no room`);
    }
  }
}

function countedIn({ foreignBytes, releasingBytes, ours }: Ledger): number {
  return ours.reduce((sum, it) => sum + it.bytes, foreignBytes + releasingBytes);
}

/** A model in use goes only under critical pressure, and its requests are given time; a pinned one never. */
function checkUnloads(state: GovernState, { effects, event }: Look, about: string): void {
  for (const it of effects) {
    if (it.kind !== "unload") continue;
    const active = state.models.get(it.key)?.active ?? 0;
    if (active === 0) continue;
    const isCritical = [...state.devices.values()].some(({ fact }) => fact.pressure === "critical");
    assert.ok(
      isCritical && it.graceMs === GOVERN_RULES.graceMs,
      `${about}: ${it.key} is unloaded in use, ${event.kind}`,
    );
  }
}

/** When all is quiet, what is believed is what is. */
function checkReality(
  state: GovernState,
  { endedMs, outOfMemory }: Outcome,
  { about, devices, tellsProcesses }: Trace,
): void {
  assert.equal(outOfMemory, 0);
  for (const { fact, foreignBytes } of state.devices.values()) {
    const [ledger] = ledgerOf(state, GOVERN_RULES).filter((it) => it.device === fact.device);
    assert.ok(ledger && devices.length > 0);
    assert.ok(Math.abs(countedIn(ledger) - (fact.usedBytes ?? 0)) < 1, `${about}: ${fact.device} at ${endedMs} ms`);
    assert.ok((foreignBytes ?? 0) < 1, `${about}: nobody else holds any of ${fact.device} (${tellsProcesses})`);
  }
}

/** Looks at every turn that is given: nobody has waited longer than is stated. */
function boundWatch(trace: Trace): (state: GovernState, seen: Look) => void {
  const waiting = new Map<string, { atMs: number; key: string; ahead: number }>();
  const most = (seconds: readonly number[]) => Math.max(...seconds) * 1_000;
  const times = {
    serviceMs: most(trace.requests.map((it) => it.serviceSeconds)),
    loadMs: most(trace.models.map((it) => it.loadSeconds)),
    unloadMs: most(trace.models.map((it) => it.unloadSeconds)),
    readingMs: 1_000,
  };
  return (_, { event, effects }) => {
    if (event.kind === "want")
      waiting.set(event.request, { atMs: event.atMs, key: event.choices[0]?.key ?? "", ahead: 0 });
    for (const it of effects) {
      if (it.kind !== "grant") continue;
      const asked = waiting.get(it.request);
      waiting.delete(it.request);
      assert.ok(asked);
      for (const other of waiting.values()) if (other.key === it.key) other.ahead++;
      const nth = Number(requestOf(it.request).slice(1)) - 1;
      const priority = trace.requests[nth]?.priority ?? "task";
      const slots = trace.models.find(({ key }) => key === it.key)?.slots ?? 1;
      const place = { rivals: trace.models.length - 1, ahead: asked.ahead, slots, priority };
      const boundMs = waitBoundMs({ rules: GOVERN_RULES, ...place, ...times });
      const waitedMs = event.atMs - asked.atMs;
      assert.ok(waitedMs <= boundMs, `${trace.about}: ${it.request} waited ${waitedMs} ms of at most ${boundMs}`);
    }
  };
}

function printed(state: GovernState): string {
  return JSON.stringify(state, (_, it: unknown) => (it instanceof Map ? [...it] : it));
}
