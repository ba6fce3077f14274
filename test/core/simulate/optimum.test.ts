import assert from "node:assert/strict";
import { test } from "node:test";
import { waitsOf } from "../../../server/core/simulate/judge.ts";
import { fewestLoads } from "../../../server/core/simulate/optimum.ts";
import { firstComeLeastRecent } from "../../../server/core/simulate/plain.ts";
import { simulate } from "../../../server/core/simulate/simulate.ts";
import type { Trace } from "../../../server/core/simulate/trace.ts";
import { randomFrom } from "../govern/randomTrace.ts";

/** One card that holds `room` models of one GB at a time; who asks when, as [second, model]. */
function trace(room: number, asked: readonly (readonly [number, string])[]): Trace {
  const keys = [...new Set(asked.map(([, key]) => key))];
  const need = { device: "g", gigabytes: 1 };
  const shape = { kind: "writer", slots: 1, loadSeconds: 0, unloadSeconds: 0, weight: 1, saysHeld: true } as const;
  return {
    about: "",
    devices: [{ device: "g", name: "g", totalGigabytes: room, reserveGigabytes: 0 }],
    models: keys.map((key) => ({ key, label: key, options: [{ needs: [need] }], ...shape })),
    requests: asked.map(([atSeconds, key]) => ({
      atSeconds,
      choices: [key],
      priority: "interactive",
      serviceSeconds: 0,
    })),
    ...{ foreign: [], warmth: [], telemetry: [], rules: {}, tellsProcesses: true, untilSeconds: 0 },
  };
}

const turns = (count: number, every: number, keys: string) =>
  Array.from({ length: count }, (_, nth) => [nth * every, keys[nth % keys.length] ?? ""] as const);

const cases: readonly { name: string; trace: Trace; waitSeconds: number; want: number }[] = [
  { name: "all fit: each once", trace: trace(3, turns(9, 1, "abc")), waitSeconds: 0, want: 3 },
  {
    name: "two in turn, one fits, nobody waits: every time",
    trace: trace(1, turns(8, 1, "ab")),
    waitSeconds: 0,
    want: 8,
  },
  { name: "who may wait for all of it: each once", trace: trace(1, turns(8, 1, "ab")), waitSeconds: 10, want: 2 },
  // a at 0 with a at 2 (waiting 2 s); b at 1 waits until then, with b at 3; and so on: pairs.
  { name: "waiting for two of one's own", trace: trace(1, turns(8, 1, "ab")), waitSeconds: 2, want: 4 },
  // Belady: of three in turn with two places every other is met.
  { name: "three in turn, two fit, nobody waits", trace: trace(2, turns(9, 1, "abc")), waitSeconds: 0, want: 6 },
];
for (const { name, trace, waitSeconds, want } of cases)
  test(name, () => {
    assert.equal(fewestLoads(trace, waitSeconds * 1_000), want);
  });

test("where nobody waits it is what leaving out the one wanted last gives, and no policy does with fewer", () => {
  const random = randomFrom(3);
  for (let round = 0; round < 30; round++) {
    const room = 1 + Math.floor(random() * 2);
    const keys = Array.from({ length: 14 }, () => "abcd"[Math.floor(random() * 4)] ?? "a");
    const asked = trace(
      room,
      keys.map((key, nth) => [nth * 20, key] as const),
    );
    assert.equal(fewestLoads(asked, 0), furthestNext(keys, room), keys.join(""));
    const outcome = simulate(asked, firstComeLeastRecent());
    const fewest = fewestLoads(asked, waitsOf(asked, outcome).longestMs);
    assert.ok(fewest !== null && fewest <= outcome.loads);
  }
});

/** Belady's rule for equal sizes: the one whose next use is furthest off leaves. */
function furthestNext(keys: readonly string[], room: number): number {
  const loaded = new Set<string>();
  let loads = 0;
  for (const [nth, key] of keys.entries()) {
    if (loaded.has(key)) continue;
    loads++;
    const order = [...loaded].sort((a, b) => distance(keys, nth, b) - distance(keys, nth, a));
    if (loaded.size >= room && order[0] !== undefined) loaded.delete(order[0]);
    loaded.add(key);
  }
  return loads;
}

function distance(keys: readonly string[], nth: number, key: string): number {
  const found = keys.indexOf(key, nth + 1);
  return found < 0 ? Number.POSITIVE_INFINITY : found;
}
