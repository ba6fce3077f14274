import assert from "node:assert/strict";
import { test } from "node:test";
import type { Health } from "../../server/core/telemetry.ts";
import { readApple } from "../../server/gpu/apple.ts";
import { type Detected, hardwareOf } from "../../server/gpu/detect.ts";
import { createHardware } from "../../server/gpu/hardware.ts";
import { GB } from "../fakes/card.ts";
import { silentLog } from "../fakes/log.ts";

const reading = (uuid: string) => ({
  ...readApple(),
  vendor: "nvidia" as const,
  uuid,
  name: uuid,
  totalBytes: 24 * GB,
});

function detected(...uuids: readonly string[]): Detected {
  return { hardware: hardwareOf({ gpus: uuids.map(reading), instances: [] }), seen: uuids };
}

/** A machine whose tool finds these cards at the first look, at the second, and so on; the last for ever. */
function machine(...looks: readonly Detected[]) {
  const listeners = new Set<() => void>();
  let gpus: { readonly reading: ReturnType<typeof reading>; readonly health: Exclude<Health, "absent"> }[] = [];
  let nowMs = 0;
  let looked = 0;
  let changes = 0;
  const owner = createHardware({
    async detect() {
      return looks[Math.min(looked++, looks.length - 1)] ?? detected();
    },
    monitor: {
      now: () => ({ gpus }),
      listen(listener) {
        listeners.add(listener);
        return { [Symbol.dispose]: () => void listeners.delete(listener) };
      },
    },
    clock: { nowMs: () => nowMs },
    log: silentLog,
  });
  owner.listen(() => changes++);
  return {
    found: async () => (await owner.now()).gpus.map((it) => it.uuid),
    /** The monitor hears of these at that second; resolves when what follows has happened. */
    async hears(atSeconds: number, ...heard: readonly (readonly [uuid: string, health: Exclude<Health, "absent">])[]) {
      nowMs = atSeconds * 1_000;
      gpus = heard.map(([uuid, health]) => ({ reading: reading(uuid), health }));
      for (const it of listeners) it();
      await new Promise((resolve) => setImmediate(resolve));
    },
    get told() {
      return { looked, changes };
    },
  };
}

test("a card that the first look missed is found when it is heard of, and who follows hears so", async () => {
  const it = machine(detected(), detected("a"));
  assert.deepEqual(await it.found(), []);
  await it.hears(1, ["a", "ok"]);
  assert.deepEqual(await it.found(), ["a"]);
  await it.hears(40, ["a", "ok"]);
  assert.deepEqual(it.told, { looked: 2, changes: 1 });
});

test("nobody looks before anybody asks, nor for a card that was seen and is none for models", async () => {
  const it = machine({ ...detected(), seen: ["a"] });
  await it.hears(1, ["a", "ok"]);
  assert.equal(it.told.looked, 0);
  assert.deepEqual(await it.found(), []);
  await it.hears(2, ["a", "ok"]);
  assert.deepEqual(it.told, { looked: 1, changes: 0 });
});

test("one that is heard of while the first look goes on is looked for at once", async () => {
  const it = machine(detected(), detected("a"));
  await it.hears(1, ["a", "ok"]);
  await it.found();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await it.found(), ["a"]);
});

test("a tool that goes on missing it is asked three times, thirty seconds apart", async () => {
  const it = machine(detected());
  await it.found();
  const looked: number[] = [];
  for (const atSeconds of [1, 2, 30, 31, 60, 61, 100, 200]) {
    await it.hears(atSeconds, ["a", "ok"]);
    looked.push(it.told.looked);
  }
  assert.deepEqual(looked, [2, 2, 2, 3, 3, 4, 4, 4]);
  assert.equal(it.told.changes, 0);
});

test("one whose readings are broken is not looked for", async () => {
  const it = machine(detected(), detected("a"));
  await it.found();
  await it.hears(1, ["a", "broken"]);
  assert.equal(it.told.looked, 1);
});

test("a look that misses a card that is well takes nothing away", async () => {
  const it = machine(detected("a"), detected("b"), detected("a", "b"));
  await it.found();
  await it.hears(1, ["a", "ok"], ["b", "ok"]);
  assert.deepEqual(await it.found(), ["a"]);
  await it.hears(32, ["a", "ok"], ["b", "ok"]);
  assert.deepEqual(await it.found(), ["a", "b"]);
  assert.deepEqual(it.told, { looked: 3, changes: 1 });
});
