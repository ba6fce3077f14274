import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as sqlite from "node:sqlite";
import { test } from "node:test";
import { KEPT } from "../../server/core/history.ts";
import type { GpuReading } from "../../server/core/telemetry.ts";
import { FIELDS, parseRow } from "../../server/gpu/nvidiaRow.ts";
import { type Aged, createGpuHistory, type GpuHistory } from "../../server/history/history.ts";
import { openPoints } from "../../server/history/table.ts";
import { recordingLog } from "../fakes/log.ts";
import { card } from "../gpu/smi.ts";

const MIB = 1024 ** 2;
const START_MS = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function reading(index: number, changes: Readonly<Record<string, string>> = {}): GpuReading {
  const row = card(index, changes).map((it) => it.slice(it.indexOf("=") + 1));
  return parseRow(row.join(", "), FIELDS) as GpuReading;
}

/** Orchestrators one after the other, with a clock in the test's hands. */
async function place() {
  const root = await mkdtemp(join(tmpdir(), "tandem-history-"));
  const folder = join(root, "state");
  const log = recordingLog();
  let samples: (Aged & { atMs: number })[] = [];
  const open: GpuHistory[] = [];
  const site = {
    folder,
    file: join(folder, "gpus.db"),
    log,
    nowMs: START_MS,
    open(mostBytes?: number): GpuHistory {
      samples = [];
      const history = createGpuHistory({
        folder,
        log,
        wallMs: () => site.nowMs,
        recent: () => {
          const first = samples[0]?.reading;
          if (!first) return [];
          const aged = samples.map(({ reading, atMs }) => ({ reading, ageMs: site.nowMs - atMs }));
          return [{ uuid: first.uuid, name: first.name, samples: aged }];
        },
        ...(mostBytes === undefined ? {} : { mostBytes }),
      });
      open.push(history);
      return history;
    },
    /** One reading a second, for so long. */
    run(history: GpuHistory, seconds: number, changes: (nth: number) => Readonly<Record<string, string>> = () => ({})) {
      for (let nth = 0; nth < seconds; nth++) {
        const now = reading(0, changes(nth));
        history.take(now);
        samples = [...samples.slice(-99), { reading: now, ageMs: 0, atMs: site.nowMs }];
        site.nowMs += 1_000;
      }
    },
    async [Symbol.asyncDispose]() {
      for (const history of open) await history[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
  return site;
}

test("the last hundred seconds are told as they were read", async () => {
  await using site = await place();
  const history = site.open();
  site.run(history, 150, (nth) => ({ "temperature.gpu": String(nth % 100) }));
  const [gpu] = (await history.read(100)).gpus;
  assert.equal(gpu?.samples.length, 100);
  assert.deepEqual([gpu?.stepMs, gpu?.samples[0]?.celsius, gpu?.samples.at(-1)?.celsius], [1_000, 50, 49]);
});

test("an hour is told in steps of ten seconds, means and the highest temperature, up to this moment", async () => {
  await using site = await place();
  const history = site.open();
  await history.read(1); // the file is open from here on
  site.run(history, 3_600, (nth) => ({
    "memory.used": nth % 2 === 0 ? "1000" : "3000",
    "memory.free": "19456",
    "temperature.gpu": String(40 + (nth % 10)),
  }));
  const [gpu] = (await history.read(3_600)).gpus;
  assert.equal(gpu?.stepMs, 10_000);
  assert.equal(gpu?.samples.length, 360);
  const whole = gpu?.samples.slice(1) ?? [];
  assert.ok(whole.every((it) => it.usedBytes === 2_000 * MIB && it.celsius === 49 && it.totalBytes === 24_576 * MIB));
  assert.equal(gpu?.samples.at(-1)?.atMs, site.nowMs - 10_000);
});

test("what was read is there after a restart, and steps that were cut in two are told once", async () => {
  await using site = await place();
  const first = site.open();
  await first.read(1); // the file is open from here on
  site.run(first, 305, () => ({ "temperature.gpu": "60" }));
  await first[Symbol.asyncDispose]();
  site.nowMs += 2 * HOUR;
  const second = site.open();
  await second.read(1); // the file is open from here on
  site.run(second, 25, () => ({ "temperature.gpu": "70" }));
  const [gpu] = (await second.read(3 * 3_600)).gpus;
  const celsius = gpu?.samples.map((it) => it.celsius) ?? [];
  assert.deepEqual([celsius[0], celsius.at(-1), new Set(celsius).size], [60, 70, 2]);
  assert.equal(new Set(gpu?.samples.map((it) => it.atMs)).size, gpu?.samples.length);
});

test("a month in minutes, at most 500 points, and nothing that is older", async () => {
  await using site = await place();
  await mkdir(site.folder, { recursive: true, mode: 0o700 });
  const uuid = reading(0).uuid;
  {
    using table = openPoints(sqlite, site.file, 12_000_000);
    const point = { count: 60, usedBytes: MIB, totalBytes: 2 * MIB, busyPercent: 1, celsius: 40, powerWatts: 90 };
    for (let day = 0; day < 40; day++)
      for (let hour = 0; hour < 24; hour++)
        for (const { stepMs } of KEPT)
          table.insert({ uuid, name: "A" }, stepMs, { ...point, atMs: START_MS - day * DAY - hour * HOUR });
    table.trim(START_MS);
    const count = (keptMs: number) => table.read(uuid, { keptMs, stepMs: keptMs, fromMs: 0 }).length;
    assert.deepEqual(
      KEPT.map((it) => count(it.stepMs)),
      [25, 30 * 24 + 1],
    );
  }
  const history = site.open();
  await history.read(1); // the file is open from here on
  const { samples = [] } = (await history.read(30 * 86_400)).gpus[0] ?? {};
  assert.ok(samples.length > 400 && samples.length <= 500, String(samples.length));
});

test("however many cards there are, the file and its log stay within their bound, and the newest is kept", async () => {
  await using site = await place();
  await mkdir(site.folder, { recursive: true, mode: 0o700 });
  const bound = 400_000;
  const uuids = Array.from({ length: 8 }, (_, nth) => `GPU-${nth}`);
  using table = openPoints(sqlite, site.file, bound);
  const point = {
    count: 10,
    usedBytes: 9_999 * MIB,
    totalBytes: 24_576 * MIB,
    busyPercent: 99,
    celsius: 70,
    powerWatts: 300,
  };
  const minutes = 4_000;
  for (let nth = 0; nth < minutes; nth++) {
    for (const uuid of uuids)
      table.insert({ uuid, name: "A card" }, 60_000, { ...point, atMs: START_MS + nth * 60_000 });
    if (nth % 12 === 0) table.trim(START_MS + nth * 60_000);
  }
  assert.ok((await stat(site.file)).size <= bound, String((await stat(site.file)).size));
  const kept = table.read("GPU-7", { keptMs: 60_000, stepMs: 60_000, fromMs: 0 });
  assert.ok(kept.length > 200 && kept.length < minutes, String(kept.length));
  assert.equal(kept.at(-1)?.atMs, START_MS + (minutes - 1) * 60_000);
});

test("an answer of a driver that cannot be is no part of it", async () => {
  await using site = await place();
  const history = site.open();
  site.run(history, 3, (nth) => (nth === 1 ? { "memory.used": "-4" } : {}));
  assert.equal((await history.read(100)).gpus[0]?.samples.length, 2);
});

test("a file that is damaged is moved aside, and a new one begun", async () => {
  await using site = await place();
  await mkdir(site.folder, { recursive: true, mode: 0o700 });
  await writeFile(site.file, "dear diary\n".repeat(1_000));
  const history = site.open();
  history.take(reading(0));
  while (site.log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.match(site.log.lines[0] ?? "", /history of the GPUs cannot be read: a new one is begun/);
  site.run(history, 200);
  assert.ok(((await history.read(200)).gpus[0]?.samples.length ?? 0) >= 20);
  assert.ok((await readdir(site.folder)).includes("gpus.broken-1"));
});

test("where nothing can be written, what is in memory is told, and it is said once", async () => {
  await using site = await place();
  await writeFile(site.folder, "in the way");
  const history = site.open();
  history.take(reading(0));
  while (site.log.lines.length === 0) await new Promise((resolve) => setImmediate(resolve));
  site.run(history, 200);
  const [gpu] = (await history.read(3_600)).gpus;
  assert.deepEqual([gpu?.samples.length, site.log.lines.length], [10, 1]);
  assert.match(site.log.lines[0] ?? "", /there is no history of the GPUs/);
});
