import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../../server/cli/client.ts";
import { isAlive } from "../../server/platform/processes.ts";
import { gpuHistory } from "../../server/protocol/gpu.ts";
import { card } from "../gpu/smi.ts";
import { connect } from "./connect.ts";
import { machine, statusWhen } from "./gpuMachine.ts";

const never = new AbortController().signal;

const POSIX = { skip: process.platform !== "linux" };

async function gone(pids: readonly number[]): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (pids.some(isAlive)) {
    assert.ok(performance.now() < endMs, `${pids.filter(isAlive)} still run`);
    await sleep(10);
  }
}

test("status: what the driver says of each GPU, by two processes that stay", POSIX, async () => {
  await using site = await machine({
    cards: [card(0, { "memory.used": "20480", "memory.free": "4096", "temperature.gpu": "82" }), card(1)],
    processes: ["GPU-00000001-1111-2222-3333-444444444444, 4242, 1024, /usr/bin/game"],
  });
  const { gpus, gpuSources } = await statusWhen(site.client, (now) => now.gpus[1]?.processes?.length === 1);
  assert.deepEqual(
    gpus.map((it) => [it.index, it.health, it.pressure, it.thermal?.level, it.celsius, it.trouble]),
    [
      [0, "ok", "high", "hot", 82, null],
      [1, "ok", "normal", "normal", 54, null],
    ],
  );
  assert.deepEqual(gpus[1]?.processes, [{ pid: 4242, name: "/usr/bin/game", bytes: 1024 ** 3 }]);
  assert.deepEqual(
    gpuSources.find((it) => it.name === "nvidia"),
    { name: "nvidia", health: "ok", reason: null },
  );
  // One reading at the first placement, two that run on.
  const lasting = site.smi.starts().filter((it) => isAlive(it.pid));
  assert.equal(lasting.length, 2);
  assert.equal(site.smi.starts().length, 4);
});

test("status: a driver that cannot be read is broken, with what to do, and requests are served", POSIX, async () => {
  await using site = await machine({
    failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" },
  });
  const { gpus, gpuSources, engines } = await statusWhen(site.client, (now) =>
    now.gpuSources.some((it) => it.health === "broken"),
  );
  assert.deepEqual(gpus, []);
  assert.match(gpuSources.find((it) => it.health === "broken")?.reason ?? "", /driver was updated/);
  assert.ok(engines.length > 0, "engines are placed without it");
});

for (const [how, end] of [
  ["is killed", (pid: number) => process.kill(pid, "SIGKILL")],
  ["leaves", () => undefined],
] as const)
  test(`no tool is left behind when the orchestrator ${how}`, POSIX, async () => {
    const site = await machine({ cards: [card(0)] });
    await statusWhen(site.client, (now) => now.gpus.length === 1);
    const pid = await site.instance.pid();
    assert.ok(pid !== null);
    const tools = site.smi.starts().map((it) => it.pid);
    end(pid);
    await site.client[Symbol.asyncDispose]();
    await gone([pid, ...tools]);
    await site[Symbol.asyncDispose]();
  });

test("what was read is told as it was read, and in steps after a restart, from disk", POSIX, async () => {
  await using site = await machine({ cards: [card(0), card(1)] }, { TANDEM_GPU_PERIOD_MS: "50" });
  const ask = (client: Client, seconds: number) => client.send(gpuHistory, { seconds }, () => undefined, never);
  await statusWhen(site.client, (now) => now.gpus.length === 2);
  const endMs = performance.now() + 30_000;
  let recent = await ask(site.client, 100);
  while ((recent.gpus[1]?.samples.length ?? 0) < 5) {
    assert.ok(performance.now() < endMs);
    await sleep(20);
    recent = await ask(site.client, 100);
  }
  const [sample] = recent.gpus[0]?.samples ?? [];
  assert.deepEqual([sample?.celsius, sample?.powerWatts, sample?.busyPercent], [54, 121.5, 37]);
  assert.ok(Math.abs(Date.now() - (sample?.atMs ?? 0)) < 60_000, "by the clock on the wall");
  const first = await site.instance.pid();
  await site.client[Symbol.asyncDispose]();
  if (first !== null) await site.instance.gone(first);
  site.smi.become({});
  await using later = await connect(site.instance, {});
  await statusWhen(later, () => true);
  const { gpus } = await ask(later, 3_600);
  assert.deepEqual(
    gpus.map((it) => [it.stepMs, it.name, it.samples[0]?.celsius]),
    [
      [10_000, "NVIDIA GeForce RTX 3090", 54],
      [10_000, "NVIDIA GeForce RTX 3090", 54],
    ],
  );
});
