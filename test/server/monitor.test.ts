import assert from "node:assert/strict";
import { test } from "node:test";
import { PRESSURE_RULES } from "../../server/core/pressure.ts";
import type { GpuReading, Report } from "../../server/core/telemetry.ts";
import { THERMAL_RULES } from "../../server/core/thermal.ts";
import { FIELDS, parseRow } from "../../server/gpu/nvidiaRow.ts";
import { createMonitor, MOST_SAMPLES, type Monitor, type MonitorRules } from "../../server/monitor.ts";
import { recordingLog } from "../fakes/log.ts";
import { card } from "../gpu/smi.ts";

function reading(index: number, changes: Readonly<Record<string, string>> = {}): Report {
  const row = card(index, changes).map((it) => it.slice(it.indexOf("=") + 1));
  return { kind: "reading", gpu: parseRow(row.join(", "), FIELDS) as GpuReading };
}

/** A monitor whose sources and clock the test has in its hands. */
function site(names: readonly string[] = ["nvidia"], given: Partial<Parameters<typeof createMonitor>[0]> = {}) {
  let nowMs = 1_000;
  const reports = new Map<string, (report: Report) => void>();
  const ended: string[] = [];
  const log = recordingLog();
  const monitor: Monitor = createMonitor({
    clock: { nowMs: () => nowMs },
    log,
    ...given,
    sources: names.map((name) => ({
      name,
      start(report) {
        reports.set(name, report);
        return { [Symbol.asyncDispose]: async () => void ended.push(name) };
      },
    })),
  });
  const say = (report: Report, name = "nvidia") => reports.get(name)?.(report);
  const after = (seconds: number) => {
    nowMs += seconds * 1_000;
  };
  const worth = () => monitor.now().gpus.map((it) => [it.reading.index, it.health]);
  const source = () => monitor.now().sources[0]?.health;
  return { monitor, say, after, worth, source, ended, log };
}

const LOST: Report = {
  kind: "broken",
  reason: "nvidia-smi has not answered for 10 s",
  nextStep: "Restart the machine",
};

test("nothing is read before somebody wants to know, and begun once", () => {
  const { monitor, say, worth, source } = site();
  say(reading(0));
  assert.deepEqual([worth(), source()], [[], null]);
  monitor.begin();
  monitor.begin();
  say(reading(0));
  assert.deepEqual([worth(), source()], [[[0, "ok"]], "ok"]);
});

test("a reading grows stale, then says nothing, and is well again with the next one", () => {
  const { monitor, say, after, worth, source } = site();
  monitor.begin();
  say(reading(0));
  after(3);
  assert.deepEqual(worth(), [[0, "ok"]]);
  after(1);
  assert.deepEqual([worth(), source()], [[[0, "stale"]], "stale"]);
  assert.match(monitor.now().gpus[0]?.trouble?.reason ?? "", /for 4 s/);
  after(30);
  assert.deepEqual([worth(), source()], [[[0, "broken"]], "broken"]);
  say(reading(0));
  assert.deepEqual([worth(), monitor.now().gpus[0]?.trouble], [[[0, "ok"]], null]);
});

test("one card that is no longer heard of does not make the other one worse", () => {
  const { monitor, say, after, worth } = site();
  monitor.begin();
  say(reading(0));
  say(reading(1));
  after(4);
  say(reading(0));
  assert.deepEqual(worth(), [
    [0, "ok"],
    [1, "stale"],
  ]);
});

test("a tool that says it cannot read is believed at once, and its reason and next step are told", () => {
  const { monitor, say, worth, source } = site();
  monitor.begin();
  say(reading(0));
  say(LOST);
  assert.deepEqual([worth(), source()], [[[0, "broken"]], "broken"]);
  assert.deepEqual(monitor.now().gpus[0]?.trouble, {
    reason: LOST.kind === "broken" ? LOST.reason : "",
    nextStep: "Restart the machine",
  });
});

test("no GPU, a broken tool and one that has not spoken yet are three things", () => {
  const { monitor, say, after, source } = site();
  monitor.begin();
  assert.equal(source(), null);
  say({ kind: "absent", reason: "there is no nvidia-smi" });
  assert.equal(source(), "absent");
  say(LOST);
  assert.equal(source(), "broken");
  after(60);
  assert.equal(source(), "broken");
});

test("a source that never says anything is broken in the end", () => {
  const { monitor, after, source } = site();
  monitor.begin();
  after(31);
  assert.equal(source(), "broken");
});

test("a card with impossible numbers is broken, and its levels stay what they were", () => {
  const { monitor, say, worth } = site();
  monitor.begin();
  say(reading(0, { "memory.used": "24000", "memory.free": "576" }));
  say(reading(0, { "memory.used": "-4" }));
  assert.deepEqual(worth(), [[0, "broken"]]);
  assert.equal(monitor.now().gpus[0]?.pressure?.level, "critical");
});

test("pressure and warmth follow the readings", () => {
  const { monitor, say, after } = site();
  monitor.begin();
  say(reading(0, { "memory.used": "20000", "memory.free": "4576", "temperature.gpu": "86" }));
  const levels = () => monitor.now().gpus.map((it) => [it.pressure?.level, it.thermal?.level])[0];
  assert.deepEqual(levels(), ["high", "critical"]);
  for (let second = 0; second < 12; second++) {
    after(1);
    say(reading(0, { "temperature.gpu": "50" }));
  }
  assert.deepEqual(levels(), ["normal", "normal"]);
  say(reading(0, { "temperature.gpu": "50", "clocks_throttle_reasons.active": "0x0000000000000020" }));
  assert.deepEqual(levels(), ["normal", "hot"]);
});

test("what is never told has no level", () => {
  const { monitor, say } = site();
  monitor.begin();
  say(reading(0, { "memory.used": "[N/A]", "temperature.gpu": "[N/A]" }));
  const [gpu] = monitor.now().gpus;
  assert.deepEqual([gpu?.health, gpu?.pressure, gpu?.thermal], ["ok", null, null]);
});

test("the last hundred samples of each card are kept, in order", () => {
  const { monitor, say, after } = site();
  monitor.begin();
  for (let nth = 0; nth < 250; nth++) {
    say(reading(0, { "temperature.gpu": String(nth % 100) }));
    after(1);
  }
  say(reading(1));
  const kept = monitor.recent("GPU-00000000-1111-2222-3333-444444444444");
  assert.equal(kept.length, MOST_SAMPLES);
  assert.deepEqual([kept[0]?.reading.celsius, kept.at(-1)?.reading.celsius], [50, 49]);
  assert.ok(kept.every((it, nth) => nth === 0 || it.atMs > (kept[nth - 1]?.atMs ?? 0)));
  assert.equal(monitor.recent("GPU-00000001-1111-2222-3333-444444444444").length, 1);
  assert.equal(monitor.recent("none").length, 0);
});

test("makes are apart: one that is broken does not touch the other", () => {
  const { monitor, say } = site(["nvidia", "amd"]);
  monitor.begin();
  say(LOST);
  say(reading(0), "amd");
  const { gpus, sources } = monitor.now();
  assert.deepEqual(
    sources.map((it) => it.health),
    ["broken", "ok"],
  );
  assert.deepEqual(
    gpus.map((it) => [it.source, it.health]),
    [["amd", "ok"]],
  );
});

test("each trouble is logged once, and its end", () => {
  const { monitor, say, log } = site();
  monitor.begin();
  for (const it of [reading(0), reading(0), LOST, LOST, reading(0), reading(0)]) say(it);
  assert.deepEqual(
    log.lines.map((it) => JSON.parse(it).kind),
    ["reading", "broken", "reading"],
  );
});

test("listeners hear of reports until they leave, and sources end with the monitor", async () => {
  const { monitor, say, ended, worth } = site();
  monitor.begin();
  let heard = 0;
  const listening = monitor.listen(() => heard++);
  say(reading(0));
  listening[Symbol.dispose]();
  say(reading(0));
  assert.equal(heard, 1);
  await monitor[Symbol.asyncDispose]();
  say(reading(1));
  assert.deepEqual([ended, worth().length], [["nvidia"], 1]);
});

test("a changed setting counts from the next reading on", () => {
  let rules: MonitorRules = { pressure: PRESSURE_RULES, thermal: THERMAL_RULES };
  const { monitor, say } = site(["nvidia"], { rules: () => rules });
  monitor.begin();
  const levels = () => monitor.now().gpus.map((it) => [it.pressure?.level, it.thermal?.level])[0];
  say(reading(0));
  assert.deepEqual(levels(), ["normal", "normal"]);
  rules = {
    pressure: { ...PRESSURE_RULES, moderate: 5, high: 10, critical: 15 },
    thermal: { ...THERMAL_RULES, warm: 30, hot: 40, critical: 50 },
  };
  say(reading(0));
  assert.deepEqual(levels(), ["critical", "critical"]);
});

test("a card above 95 % is warned of once, and again only after there was room", () => {
  const { monitor, say, log } = site();
  monitor.begin();
  const fill = (mebibytes: number) =>
    say(reading(0, { "memory.used": String(mebibytes), "memory.free": String(24_576 - mebibytes) }));
  const warnings = () => log.lines.filter((it) => it.includes("nearly full")).length;
  for (const [mebibytes, want] of [
    [23_347, 0], // 95.0 %, not above
    [23_400, 1],
    [24_000, 1],
    [23_000, 1],
    [23_400, 1],
    [20_000, 1],
    [24_000, 2],
  ] as const) {
    fill(mebibytes);
    assert.equal(warnings(), want, `at ${mebibytes} MiB`);
  }
});

test("where GPUs are read more rarely, a reading stays fresh for longer", () => {
  const { monitor, say, after, worth } = site(["nvidia"], { periodMs: 10_000 });
  monitor.begin();
  say(reading(0));
  after(35);
  assert.deepEqual(worth(), [[0, "ok"]]);
  after(1);
  assert.deepEqual(worth(), [[0, "stale"]]);
  after(265);
  assert.deepEqual(worth(), [[0, "broken"]]);
});
