import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "../../server/core/telemetry.ts";
import { watchNvidia } from "../../server/gpu/nvidia.ts";
import { readNvidiaOnce } from "../../server/gpu/nvidiaOnce.ts";
import { isAlive } from "../../server/platform/processes.ts";
import { card, fakeSmi } from "./smi.ts";
import { isReading, TIMES, until } from "./watching.ts";

const never = new AbortController().signal;

const ends: readonly { name: string; script: Parameters<typeof fakeSmi>[0]; want: RegExp }[] = [
  { name: "that exits", script: { cards: [card(0)], afterLists: 2 }, want: /ended with 0 and said nothing/ },
  { name: "that hangs", script: { cards: [card(0)], afterLists: 2, ending: "hang" }, want: /not answered/ },
  { name: "that never says anything", script: { afterLists: 0, ending: "hang" }, want: /not answered/ },
  {
    name: "that prints garbage",
    script: { cards: [card(0)], afterLists: 2, ending: "garbage" },
    want: /lorem.*is no reading/,
  },
  {
    name: "that stops in the middle of a line",
    script: { cards: [card(0)], afterLists: 2, ending: "partial" },
    want: /ended with 0 and said "0, GPU-aaaa, NVIDIA GeForce"/,
  },
  {
    name: "whose card falls off the bus",
    script: {
      cards: [card(0)],
      afterLists: 2,
      failure: {
        code: 15,
        text: "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.  Reboot the system\n",
      },
    },
    want: /a GPU does not answer/,
  },
  {
    name: "that floods",
    script: { cards: [card(0)], afterLists: 2, ending: "flood" },
    want: /far more than it was asked for/,
  },
  {
    name: "that finds no card any more",
    script: { cards: [card(0)], afterLists: 2, failure: { code: 6, text: "No devices were found\n" } },
    want: /finds no device/,
  },
  {
    name: "whose driver was updated",
    script: { failure: { code: 18, text: "Failed to initialize NVML: Driver/library version mismatch\n" } },
    want: /driver was updated/,
  },
];

for (const it of ends)
  test(`a tool ${it.name} is told of, and read again when it is well`, async () => {
    using smi = fakeSmi(it.script);
    const isTold = (report: Report) => report.kind !== "reading" && it.want.test(report.reason);
    let wasTold = false;
    await until(smi, (report) => {
      if (isTold(report) && !wasTold) smi.become({ cards: [card(0)] });
      wasTold ||= isTold(report);
      return wasTold && isReading(report);
    });
  });

test("one card falls off the bus and comes back: the other is read on, by the same process", async () => {
  const lost = "Unable to determine the device handle for GPU1: 0000:02:00.0: Unknown Error";
  using smi = fakeSmi({ cards: [card(0), card(1)] });
  let stage: "well" | "lost" | "back" = "well";
  const all = await until(smi, (report) => {
    if (report.kind !== "reading" || report.gpu.index !== 1) return false;
    const { fault } = report.gpu;
    if (stage === "well") {
      stage = "lost";
      smi.become({ cards: [card(0)], complaints: [lost] });
    } else if (stage === "lost" && fault !== null) {
      stage = "back";
      smi.become({ cards: [card(0), card(1)] });
    }
    return stage === "back" && fault === null;
  });
  assert.equal(smi.starts().filter((it) => it.asked.startsWith("--query-gpu")).length, 1);
  const second = all.flatMap((it) => (it.kind === "reading" && it.gpu.index === 1 ? [it.gpu] : []));
  const gone = second.find((it) => it.fault !== null);
  assert.deepEqual(
    [gone?.uuid, gone?.fault, gone?.usedBytes, gone?.celsius],
    ["GPU-00000001-1111-2222-3333-444444444444", `nvidia-smi says "${lost}"`, null, null],
  );
});

test("a card that was lost before anybody looked is shown by its place", async () => {
  const lost = "Unable to determine the device handle for GPU3: 0000:04:00.0: Unknown Error";
  using smi = fakeSmi({ cards: [card(0)], complaints: [lost, "WARNING: infoROM is corrupted at gpu 0000:01:00.0"] });
  await until(
    smi,
    (report, all) => report.kind === "reading" && report.gpu.uuid === "nvidia-04:00.0" && all.length > 5,
  );
  const { gpus, report } = await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000 }, never);
  assert.deepEqual(
    gpus.map((it) => [it.uuid.slice(0, 14), it.fault === null]),
    [
      ["GPU-00000000-1", true],
      ["nvidia-04:00.0", false],
    ],
  );
  assert.equal(report, null);
});

test("lines that end as on Windows, and memory that its driver hides", async () => {
  using smi = fakeSmi({
    cards: [card(0)],
    processes: ["GPU-00000000-1111-2222-3333-444444444444, 7, [N/A], C:\\game.exe"],
    lineEnd: "\r\n",
  });
  const all = await until(smi, (it) => it.kind === "reading" && it.gpu.processes?.length === 1);
  const last = all.at(-1);
  assert.deepEqual(last?.kind === "reading" && last.gpu.processes, [{ pid: 7, name: "C:\\game.exe", bytes: null }]);
});

test("processes are listed by instance where a card is cut, and are the card's", async () => {
  using smi = fakeSmi({
    cards: [card(0, { "mig.mode.current": "Enabled" })],
    processes: ["MIG-c6d4f1ef-42e4, 7, 149, python3"],
    listed:
      "GPU 0: NVIDIA A100 (UUID: GPU-00000000-1111-2222-3333-444444444444)\n  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4)\n",
  });
  await until(smi, (it) => it.kind === "reading" && it.gpu.processes?.[0]?.pid === 7);
  assert.equal(smi.starts().filter((it) => it.asked === "-L").length, 1);
});

test("where processes may be hidden, none in the list is not known to be none", async () => {
  using smi = fakeSmi({ cards: [card(0)] });
  const all = await until(smi, (_, so) => so.length > 30, { isHidden: true });
  assert.ok(all.every((it) => it.kind === "reading" && it.gpu.processes === null));
  const { gpus } = await readNvidiaOnce({ tool: smi.tool, patienceMs: 20_000, isHidden: true }, never);
  assert.deepEqual(
    gpus.map((it) => it.processes),
    [null],
  );
});

test("a tool that cannot be ended keeps nobody from leaving", { skip: process.platform !== "linux" }, async () => {
  // Its guard is stopped, so that nothing ends: from here that looks like a process that waits in the kernel (state D).
  using smi = fakeSmi({ cards: [card(0)] });
  const reports: Report[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const source = watchNvidia({
    tool: smi.tool,
    times: { ...TIMES, killMs: 50 },
    report(report) {
      reports.push(report);
      resolve();
    },
  });
  await promise;
  const guards = smi.starts().flatMap(({ pid }) => guardsOf(pid));
  for (const pid of guards) process.kill(pid, "SIGSTOP");
  try {
    await source[Symbol.asyncDispose]();
    assert.ok(guards.every(isAlive), "they could not be ended");
    const { length } = reports;
    await sleep(50);
    assert.equal(reports.length, length, "and nothing is heard of them any more");
  } finally {
    for (const pid of [...guards, ...smi.starts().map((it) => it.pid)].filter(isAlive)) process.kill(pid, "SIGKILL");
  }
});

/** The shell that started this process, and those that it started beside it. */
function guardsOf(pid: number): number[] {
  const fields = (of: number) => {
    const stat = readFileSync(`/proc/${of}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  };
  const parent = Number(fields(pid)[1]);
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ").map(Number);
  return [parent, ...children.filter((it) => it !== pid)];
}
