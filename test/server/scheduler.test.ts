import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_TERMS } from "../../server/core/assign.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { createEnginePool } from "../../server/scheduler.ts";
import type { Place, Prepared } from "../../server/slot/state.ts";
import { silentLog } from "../fakes/log.ts";

const LINGER_MS = 1_000;
const MODEL = {
  id: "m",
  label: "M",
  parametersB: 1,
  quantisation: null,
  contextTokens: 512,
  promptStyle: "chat",
  isTrial: false,
} as const;
const SOURCE = {
  kind: "embedded",
  model: "m",
  use: "write",
  substitute: null,
  device: "cpu",
  threads: 1,
  llamaServer: "",
  options: DEFAULT_OPTIONS,
  contextTokens: null,
  terms: NO_TERMS,
} as const;

function place(id: string): Place {
  const prepare = () => Promise.reject<Prepared>(new Error("nothing is loaded here"));
  return { config: { id, roles: ["draft"], source: SOURCE }, expected: MODEL, prepare };
}

function createTestPool() {
  const clock = { nowMs: () => 0 };
  const nothing = { onChange: () => undefined, wasResident: () => false };
  return createEnginePool({ clock, log: silentLog, lingerMs: LINGER_MS, ...nothing });
}

test("a client that left while its engines were being placed has none, and keeps none from being closed", async () => {
  await using pool = createTestPool();
  const [gone, there] = [pool.join(), pool.join()];
  gone[Symbol.dispose]();
  gone.configure([place("draft")]);
  gone.add(place("m"));
  assert.deepEqual(there.status(), []);
});

test("an engine that a client had under two names lingers once: who takes it over keeps it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  await using pool = createTestPool();
  const [gone, next] = [pool.join(), pool.join()];
  gone.configure([place("draft")]);
  gone.add(place("m"));
  gone[Symbol.dispose]();
  next.configure([place("draft")]);
  t.mock.timers.tick(LINGER_MS);
  const [engine, ...more] = pool.join().status();
  assert.deepEqual([engine?.users, more], [1, []]);
});
