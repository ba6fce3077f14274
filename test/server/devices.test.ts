import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import type { GpuReading, Health } from "../../server/core/telemetry.ts";
import { createDevices, type MachineMemory, machineMemory } from "../../server/devices.ts";
import type { Watched } from "../../server/monitor.ts";
import { GB } from "../fakes/card.ts";

const reading: GpuReading = {
  ...{ uuid: "GPU-1", vendor: "nvidia", index: 0, name: "RTX 3090", totalBytes: 24 * GB, usedBytes: 9 * GB },
  ...{ freeBytes: 15 * GB, busyPercent: 1, celsius: 40, powerWatts: 30, powerLimitWatts: 350, coreMegahertz: null },
  ...{ memoryMegahertz: null, brakes: null, computeCapability: null, driver: null, isPartitioned: false, fault: null },
  processes: [],
};

const watched = (more: Partial<GpuReading>): Watched => ({
  reading: { ...reading, ...more },
  ...{ health: "ok", trouble: null, ageMs: 0, source: "nvidia", pressure: null, thermal: null },
});

const FOUND = { uuid: "GPU-1", vendor: "nvidia", name: "RTX 3090", vramBytes: 24 * GB } as const;

const nothing: MachineMemory = {
  read: () => ({ totalBytes: 16 * GB, usedBytes: 4 * GB }),
  held: () => null,
  parentOf: () => null,
};

function facts(gpus: readonly Watched[], memory: MachineMemory, owned: ReadonlyMap<string, number>) {
  const listen = () => ({ [Symbol.dispose]: () => undefined });
  const monitor = { now: () => ({ gpus, sources: [] }), listen };
  return createDevices({ monitor, memory, clock: { nowMs: () => 0 } }).facts(owned);
}

const process = (pid: number, bytes: number | null) => ({ pid, name: "engine", bytes });
const parents = new Map([
  [11, 10],
  [12, 11],
]);

const holding = [
  { name: "an engine's own process", processes: [process(10, 5 * GB)], want: [["e1", 5]] },
  { name: "its workers too", processes: [process(10, GB), process(12, 2 * GB)], want: [["e1", 3]] },
  { name: "nobody else's", processes: [process(99, 5 * GB)], want: [] },
  { name: "nothing where the driver hides it", processes: [process(10, null)], want: [] },
];
for (const it of holding)
  test(`what the driver shows of a GPU is counted by engine: ${it.name}`, () => {
    const memory = { ...nothing, parentOf: (pid: number) => parents.get(pid) ?? 1 };
    const [gpu] = facts([watched({ processes: it.processes })], memory, new Map([["e1", 10]]));
    assert.deepEqual(
      [...(gpu?.held ?? [])].map(([key, bytes]) => [key, bytes / GB]),
      it.want,
    );
  });

test("a card whose size nobody tells is none that a model could be put on; main memory always is one", () => {
  const names = facts([watched({ totalBytes: null })], nothing, new Map()).map((it) => it.device);
  assert.deepEqual(names, ["cpu"]);
});

test("a card that is cut into instances is as large as the one that engines use, however full the others are", () => {
  const cut = { ...watched({ isPartitioned: true, totalBytes: 80 * GB, usedBytes: 79 * GB }) };
  const full: Watched = { ...cut, pressure: { level: "critical", sinceMs: 0, falling: null } };
  const listen = () => ({ [Symbol.dispose]: () => undefined });
  const monitor = { now: () => ({ gpus: [full], sources: [] }), listen };
  const found = () => [{ ...FOUND, vramBytes: 10 * GB }];
  const devices = createDevices({ monitor, memory: nothing, clock: { nowMs: () => 0 }, found });
  const [gpu] = devices.facts(new Map());
  assert.deepEqual([gpu?.device, gpu?.totalBytes, gpu?.usedBytes, gpu?.pressure], ["GPU-1", 10 * GB, null, "normal"]);
});

test("a card whose readings turn to nonsense stays one, of the size it had", () => {
  const damaged: Watched = {
    ...watched({ totalBytes: null, usedBytes: null, fault: "-3 MiB used" }),
    health: "broken",
  };
  const listen = () => ({ [Symbol.dispose]: () => undefined });
  const monitor = { now: () => ({ gpus: [damaged], sources: [] }), listen };
  const devices = createDevices({ monitor, memory: nothing, clock: { nowMs: () => 0 }, found: () => [FOUND] });
  const [gpu] = devices.facts(new Map());
  assert.deepEqual([gpu?.device, gpu?.totalBytes, gpu?.health], ["GPU-1", 24 * GB, "broken"]);
});

const silent: readonly { says: Health | null; want: readonly [health: Health, isUnread: true | undefined] }[] = [
  { says: null, want: ["broken", true] },
  { says: "ok", want: ["broken", true] },
  { says: "broken", want: ["broken", undefined] },
  { says: "absent", want: ["absent", undefined] },
];
for (const { says, want } of silent)
  test(`a card that was found and never read has its size, and its source's word: ${says ?? "nothing yet"}`, () => {
    const listen = () => ({ [Symbol.dispose]: () => undefined });
    const sources = [{ name: "nvidia", health: says, reason: null }];
    const monitor = { now: () => ({ gpus: [], sources }), listen };
    const reserveBytes = () => 2 * GB;
    const found = () => [FOUND];
    const devices = createDevices({ monitor, memory: nothing, clock: { nowMs: () => 0 }, reserveBytes, found });
    const [gpu] = devices.facts(new Map());
    assert.deepEqual(
      [gpu?.device, gpu?.totalBytes, gpu?.usedBytes, gpu?.reserveBytes],
      ["GPU-1", 24 * GB, null, 2 * GB],
    );
    assert.deepEqual([gpu?.health, gpu?.isUnread], want);
  });

test("pages of our model files are taken, although the system counts them as free", () => {
  const memory = { ...nothing, held: () => ({ bytes: 3 * GB, fileBytes: 2 * GB }) };
  const [main] = facts([], memory, new Map([["e1", 10]]));
  assert.deepEqual([main?.usedBytes, main?.held.get("e1")], [6 * GB, 3 * GB]);
});

const laptops = [
  { name: "8 GB, most of it in use", totalBytes: 8 * GB, usedBytes: 6.5 * GB, want: "normal" },
  { name: "8 GB, nearly full", totalBytes: 8 * GB, usedBytes: 7.6 * GB, want: "high" },
  { name: "8 GB, full", totalBytes: 8 * GB, usedBytes: 7.9 * GB, want: "critical" },
  { name: "nobody tells", totalBytes: 8 * GB, usedBytes: null, want: "normal" },
];
for (const it of laptops)
  test(`pressure on main memory: ${it.name}`, () => {
    const [main] = facts([], { ...nothing, read: () => it }, new Map());
    assert.equal(main?.pressure, it.want);
    assert.equal(main?.reserveBytes, GB / 4);
  });

test("this machine tells what there is, what a process holds, and whose child it is", async (t) => {
  const memory = machineMemory();
  const { totalBytes, usedBytes } = memory.read();
  assert.ok(totalBytes > GB);
  assert.ok(usedBytes === null || (usedBytes > 0 && usedBytes < totalBytes));
  if (globalThis.process.platform !== "linux") return t.skip("only Linux tells of processes");
  const child = spawn(globalThis.process.execPath, ["-e", "process.stdin.resume(); console.log(0)"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const pid = child.pid ?? 0;
  const held = memory.held(pid);
  assert.ok(held && held.bytes > held.fileBytes && held.fileBytes > 0);
  assert.equal(memory.parentOf(pid), globalThis.process.pid);
  child.stdin.end();
  await once(child, "exit");
  assert.deepEqual([memory.held(pid), memory.parentOf(pid)], [null, null]);
});
