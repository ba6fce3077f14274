import assert from "node:assert/strict";
import { test } from "node:test";
import type { Report } from "../../server/core/telemetry.ts";
import { watchNvidia } from "../../server/gpu/nvidia.ts";
import { readNvidiaOnce } from "../../server/gpu/nvidiaOnce.ts";
import { card, fakeSmi } from "./smi.ts";
import { gone, isReading, until } from "./watching.ts";

const never = new AbortController().signal;

test("two cards are read again and again by one process, and their processes by another", async () => {
  using smi = fakeSmi({
    cards: [card(0), card(1, { "memory.used": "1024" })],
    processes: ["GPU-00000001-1111-2222-3333-444444444444, 4242, 1000, /usr/bin/game, the", "not a line of it"],
  });
  const isLast = (report: Report, all: readonly Report[]) =>
    report.kind === "reading" && report.gpu.index === 1 && report.gpu.processes?.length === 1 && all.length > 20;
  const all = await until(smi, isLast);
  const last = all.findLast(isReading);
  assert.ok(last?.kind === "reading");
  assert.deepEqual(last.gpu.processes, [{ pid: 4242, name: "/usr/bin/game, the", bytes: 1000 * 1024 ** 2 }]);
  assert.equal(smi.starts().length, 2, "never a process per sample");
});

test("where nothing computes the list is empty, not unknown", async () => {
  using smi = fakeSmi({ cards: [card(0)] });
  await until(smi, (report) => report.kind === "reading" && report.gpu.processes?.length === 0);
});

test("a driver that lacks fields is asked without them", async () => {
  using smi = fakeSmi({ cards: [card(0)], unknown: ["compute_cap", "clocks_throttle_reasons.active"] });
  const all = await until(smi, isReading);
  assert.ok(all.every(isReading), "no trouble was told");
  const reading = all.at(-1);
  assert.ok(reading?.kind === "reading" && reading.gpu.computeCapability === null && reading.gpu.celsius === 54);
});

test("a tool that keeps failing is started ever more rarely, one at a time", async () => {
  using smi = fakeSmi({
    failure: { code: 9, text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n" },
  });
  await until(smi, (_, all) => all.length === 4);
  const starts = smi.starts().filter((it) => it.asked.startsWith("--query-gpu"));
  assert.ok(starts.length >= 4 && starts.length <= 5);
});

test("without the tool there is no NVIDIA GPU", async () => {
  const all: Report[] = [];
  await using _ = watchNvidia({ tool: null, report: (it) => all.push(it) });
  assert.deepEqual(
    all.map((it) => it.kind),
    ["absent"],
  );
});

test("nothing runs on when it is no longer read", async () => {
  using smi = fakeSmi({ cards: [card(0)] });
  await until(smi, (report, all) => isReading(report) && all.length > 3);
  await gone(smi.starts().map((it) => it.pid));
});

test("the tool ends when its reader is killed", { skip: process.platform === "win32" }, async () => {
  using smi = fakeSmi({ cards: [card(0)] });
  const { spawn } = await import("node:child_process");
  const reader = `
    import { watchNvidia } from ${JSON.stringify(import.meta.resolve("../../server/gpu/nvidia.ts"))};
    let count = 0;
    watchNvidia({ tool: ${JSON.stringify(smi.tool)}, report: () => { if (++count === 3) process.kill(process.pid, "SIGKILL"); },
      times: { periodMs: 20, firstMs: 60000, silenceMs: 60000, pauseMs: 5, longestPauseMs: 20, killMs: 1000 } });
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", reader], { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  const pids = smi.starts().map((it) => it.pid);
  assert.ok(pids.length >= 1);
  await gone(pids);
});

test("read once: cards, processes, instances", async () => {
  using smi = fakeSmi({
    cards: [card(0, { "mig.mode.current": "Enabled" }), card(1)],
    processes: ["GPU-00000001-1111-2222-3333-444444444444, 7, [N/A], C:\\game.exe"],
    listed:
      "GPU 0: NVIDIA A100 (UUID: GPU-00000000-1111-2222-3333-444444444444)\n  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4)\n",
    unknown: ["clocks.sm"],
  });
  const { gpus, instances, report } = await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000 }, never);
  assert.deepEqual(
    gpus.map((it) => [it.index, it.processes]),
    [
      [0, []],
      [1, [{ pid: 7, name: "C:\\game.exe", bytes: null }]],
    ],
  );
  assert.deepEqual(
    instances.map((it) => it.profile),
    ["3g.20gb"],
  );
  assert.equal(report, null);
});

const onces = [
  { name: "no tool", tool: null, want: ["absent", /no nvidia-smi/] },
  { name: "a tool that is not there", tool: ["/nowhere/nvidia-smi"] as const, want: ["broken", /ENOENT/] },
] as const;
for (const it of onces)
  test(`read once: ${it.name}`, async () => {
    const { gpus, report } = await readNvidiaOnce({ tool: it.tool }, never);
    assert.deepEqual([gpus.length, report?.kind], [0, it.want[0]]);
    assert.match(report?.reason ?? "", it.want[1]);
  });

test("read once: a tool that hangs is not waited for", async () => {
  using smi = fakeSmi({ afterLists: 0, ending: "hang" });
  const { report } = await readNvidiaOnce({ tool: smi.tool, patienceMs: 1_000 }, never);
  assert.match(report?.reason ?? "", /not answered for 1 s/);
  await gone(smi.starts().map((it) => it.pid));
});

test("read once: a driver that was updated", async () => {
  using smi = fakeSmi({ failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" } });
  assert.match((await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000 }, never)).report?.reason ?? "", /updated/);
});

test("read once: one card of two is lost", async () => {
  using smi = fakeSmi({ cards: [card(0), card(1, { "memory.used": "[GPU is lost]" })] });
  const { gpus } = await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000 }, never);
  assert.deepEqual(
    gpus.map((it) => it.fault),
    [null, 'nvidia-smi says "[GPU is lost]"'],
  );
});
