import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { z } from "zod";
import type { GpuStatus } from "../../server/protocol/gpu.ts";
import { createTally, type Tally } from "../../server/tally.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { GB, gpuOf } from "../fakes/statuses.ts";
import { startDoor, type TestDoor } from "./door.ts";
import { type Metrics, readMetrics } from "./readMetrics.ts";
import { BEARER } from "./rows.ts";

const SECRET = "what nobody else may read";
let nowMs = 0;
let gpus: readonly GpuStatus[] = [];
let tally: Tally;
let fake: FakeLlama;
let door: TestDoor;
before(async () => {
  fake = await startFakeLlama({ reply: () => "an answer" });
  tally = createTally({ clock: { nowMs: () => nowMs }, wallMs: () => 1_790_000_000_000 });
  const world = {
    tally,
    gpus: () => ({ gpus: [...gpus], gpuSources: [{ name: "nvidia", health: "ok" as const, reason: null }] }),
  };
  door = await startDoor({ draft: { endpoint: fake.url } }, { world });
});
after(async () => {
  await door[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

async function scrape(): Promise<Metrics> {
  const answer = await fetch(`${door.url}/metrics`, { headers: BEARER });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  return readMetrics(text);
}

async function chat(body: object): Promise<number> {
  const headers = { ...BEARER, "content-type": "application/json" };
  const answer = await fetch(`${door.url}/v1/chat/completions`, {
    ...{ method: "POST", headers },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: SECRET }], ...body }),
  });
  await answer.text();
  return answer.status;
}

test("it needs a key", async () => {
  assert.equal((await fetch(`${door.url}/metrics`)).status, 401);
});

test("its names follow Prometheus' conventions, and each is said once and with its meaning", async () => {
  const { families } = await scrape();
  assert.ok(families.length > 40, `${families.length} families`);
  assert.equal(new Set(families.map((it) => it.name)).size, families.length);
  for (const { name, help, type } of families) {
    assert.match(name, /^(tandem|process)_[a-z_]+$/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
    assert.doesNotMatch(name, /_(ms|mb|gb|percent|milliseconds)$/);
    assert.ok(help.length > 8, name);
  }
});

const card: Partial<GpuStatus> = { reserveBytes: GB, coreMegahertz: 1_500, memoryMegahertz: 9_501, brakes: ["heat"] };
const levels = [
  { name: "memory", series: "tandem_gpu_memory_used_bytes", labels: {}, want: 16 * GB },
  { name: "all its memory", series: "tandem_gpu_memory_total_bytes", labels: {}, want: 24 * GB },
  { name: "the reserve", series: "tandem_gpu_memory_reserve_bytes", labels: {}, want: GB },
  {
    name: "others' memory",
    series: "tandem_gpu_memory_owner_bytes",
    labels: { owner: "other programs" },
    want: 16 * GB,
  },
  { name: "busy, as a ratio", series: "tandem_gpu_busy_ratio", labels: {}, want: 0.73 },
  { name: "heat", series: "tandem_gpu_temperature_celsius", labels: {}, want: 61 },
  { name: "power", series: "tandem_gpu_power_watts", labels: {}, want: 214 },
  { name: "clock, in hertz", series: "tandem_gpu_core_clock_hertz", labels: {}, want: 1.5e9 },
  { name: "how full it is", series: "tandem_gpu_memory_pressure", labels: { level: "moderate" }, want: 1 },
  { name: "how full it is not", series: "tandem_gpu_memory_pressure", labels: { level: "critical" }, want: 0 },
  { name: "how warm it is", series: "tandem_gpu_thermal_level", labels: { level: "normal" }, want: 1 },
  { name: "what slows it down", series: "tandem_gpu_brake", labels: { reason: "heat" }, want: 1 },
  { name: "what the reading is worth", series: "tandem_gpu_telemetry_health", labels: { state: "ok" }, want: 1 },
] as const;
for (const { name, series, labels, want } of levels)
  test(`of a GPU it tells: ${name}`, async () => {
    gpus = [gpuOf(0, card), gpuOf(1)];
    const { value } = await scrape();
    assert.equal(value(series, { uuid: "GPU-0", name: "NVIDIA GeForce RTX 3090", ...labels }), want);
  });

test("of a card that has gone silent it tells that, its size, and nothing that was measured", async () => {
  gpus = [gpuOf(0, { health: "broken", trouble: { reason: "silent", nextStep: "look" } })];
  const { samples, value } = await scrape();
  assert.equal(value("tandem_gpu_telemetry_health", { uuid: "GPU-0", state: "broken" }), 1);
  assert.equal(value("tandem_gpu_memory_total_bytes", { uuid: "GPU-0" }), 24 * GB);
  const measured = /_(used|free|busy|temperature|power_watts|pressure|thermal|brake)/;
  const left = samples.filter((it) => it.name.startsWith("tandem_gpu_") && measured.test(it.name));
  assert.deepEqual(left, []);
});

test("what a driver does not tell is left out, and not zero", async () => {
  gpus = [gpuOf(0, { celsius: null, powerWatts: null, thermal: null, brakes: null })];
  const { samples } = await scrape();
  const told = new Set(samples.map((it) => it.name));
  for (const it of ["temperature_celsius", "power_watts", "thermal_level", "brake"])
    assert.ok(!told.has(`tandem_gpu_${it}`), it);
  assert.ok(told.has("tandem_gpu_memory_used_bytes"));
});

test("requests are counted by method, outcome and model, and never with what was written", async () => {
  const of = { method: "openai/chat", client: "http" };
  const before = await scrape();
  assert.equal(await chat({}), 200);
  assert.equal(await chat({ stream: true }), 200);
  assert.equal(await chat({ model: SECRET }), 404);
  const { text, samples, value } = await scrape();
  const [engine] = samples.filter((it) => it.name === "tandem_engine_slots");
  const model = engine?.labels.model ?? "";
  const gained = (name: string, labels: Readonly<Record<string, string>>) =>
    (value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
  assert.ok(model.length > 0);
  assert.equal(gained("tandem_requests_total", { ...of, outcome: "ok", model }), 2);
  const failed = samples.filter((it) => it.name === "tandem_requests_total" && it.labels.outcome !== "ok");
  assert.deepEqual(
    failed.map((it) => [it.labels.model, it.value]),
    [["none", 1]],
  );
  assert.equal(gained("tandem_request_duration_seconds_count", { method: of.method, model }), 2);
  assert.equal(gained("tandem_time_to_first_text_seconds_count", { method: of.method, model }), 1);
  assert.ok(gained("tandem_governor_grants_total", { model, stand_in: "false" }) >= 2);
  assert.equal(value("tandem_engine_state", { model, state: "ready" }), 1);
  assert.ok(!text.includes(SECRET));
});

test("a histogram's buckets only rise, and the last holds all", async () => {
  nowMs = 1_000;
  const running = tally.began({ method: "run", client: "vscode" });
  nowMs = 1_400;
  running.told({ kind: "draft" });
  nowMs = 4_000;
  running.ended("ok", "Qwen 14B");
  const { samples, value } = await scrape();
  const labels = { method: "run", model: "Qwen 14B" };
  assert.equal(value("tandem_request_duration_seconds_sum", labels), 3);
  const name = "tandem_request_duration_seconds_bucket";
  const buckets = samples.filter((it) => it.name === name && it.labels.model === labels.model);
  const counts = buckets.map((it) => [it.labels.le, it.value]);
  assert.deepEqual(counts.slice(3, 6), [
    ["1", 0],
    ["2.5", 0],
    ["5", 1],
  ]);
  assert.deepEqual(counts.at(-1), ["+Inf", 1]);
  assert.equal(value("tandem_time_to_first_text_seconds_bucket", { ...labels, le: "0.2" }), 0);
  assert.equal(value("tandem_time_to_first_text_seconds_bucket", { ...labels, le: "0.4" }), 1);
});

const Dashboard = z.looseObject({
  title: z.string(),
  uid: z.string(),
  panels: z.array(
    z.looseObject({
      id: z.int(),
      type: z.string(),
      title: z.string(),
      targets: z.array(z.looseObject({ expr: z.string(), refId: z.string() })).optional(),
    }),
  ),
  templating: z.object({ list: z.array(z.looseObject({ name: z.string(), query: z.unknown() })) }),
});
const dashboard = Dashboard.parse(
  JSON.parse(await readFile(join(import.meta.dirname, "../../deploy/grafana/tandem.json"), "utf8")),
);
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));
const metricsIn = (text: string) => [...text.matchAll(/\b(?:tandem|process)_[a-z_]+/g)].map(([name]) => name);

test("Grafana's dashboard asks for nothing that is not told, and for all that is", async () => {
  const { families } = await scrape();
  const series = new Map(
    families.flatMap(({ name, type }) =>
      (type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map((end) => [name + end, name] as const),
    ),
  );
  const asked = [...queries.map((it) => it.expr), JSON.stringify(dashboard.templating)].flatMap(metricsIn);
  assert.deepEqual(
    asked.filter((it) => !series.has(it)),
    [],
  );
  const shown = new Set(asked.map((it) => series.get(it)));
  assert.deepEqual(
    families.map((it) => it.name).filter((it) => !shown.has(it)),
    [],
  );
});

test("Grafana's dashboard tells apart by labels that the metrics have", async () => {
  gpus = [gpuOf(0, card)];
  tally.governed({
    news: { kind: "loaded", key: "e1", held: null, slots: 1, tookMs: 5 },
    effects: [
      { kind: "unload", key: "e1", cause: "room", why: "", graceMs: 0 },
      { kind: "trim", key: "e1", why: "" },
      { kind: "preempt", request: "b", key: "e1", why: "" },
      { kind: "wait", request: "a", position: 1, why: "" },
      { kind: "grant", request: "a", key: "e1", why: null },
      { kind: "refuse", request: "b", why: "no-memory", message: "", nextStep: "" },
    ],
    modelOf: () => "Qwen 14B",
  });
  tally.breaker({ model: "Qwen 14B", state: "open" });
  const { samples } = await scrape();
  const known = new Map<string, Set<string>>();
  for (const { name, labels } of samples)
    known.set(name, new Set([...(known.get(name) ?? []), ...Object.keys(labels)]));
  for (const { title, expr } of queries) {
    const names = metricsIn(expr);
    const labels = new Set(names.flatMap((it) => [...(known.get(it) ?? [])]));
    const selected = [...expr.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = ""]) => label);
    const grouped = [...expr.matchAll(/\b(?:by|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
      list.split(/[\s,]+/),
    );
    // What Prometheus adds itself.
    const own = new Set(["job", "instance", ""]);
    for (const it of [...selected, ...grouped])
      if (!own.has(it)) assert.ok(labels.has(it), `${title}: ${it} in ${expr}`);
  }
});

test("Grafana's dashboard: every panel has a number and a place of its own", () => {
  const ids = dashboard.panels.map((it) => it.id);
  assert.equal(new Set(ids).size, ids.length);
});
