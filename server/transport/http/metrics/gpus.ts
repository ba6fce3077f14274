import type { Registry } from "prom-client";
import { GpuSourceStatus, type GpuStatus, GpuStatus as Shape } from "../../../protocol/gpu.ts";
import type { EngineStatus, Status } from "../../../protocol/status.ts";
import { type Family, gauge, type Row, states } from "./family.ts";

type Level = "ok" | "stale" | "broken";
const HEALTHS: readonly Level[] = Shape.shape.health.options;
const PRESSURES = Shape.shape.pressure.unwrap().options;
const THERMALS = Shape.shape.thermal.unwrap().shape.level.options;
const BRAKES = Shape.shape.brakes.unwrap().element.options;
const SOURCE_HEALTHS = GpuSourceStatus.shape.health.options;

/** Each GPU, main memory, and how each make is heard. */
export function addGpus(registry: Registry, { gpus, gpuSources, engines, mainMemory }: Status): void {
  const info = family("info", "Which GPU this is", ["vendor", "index"]);
  gauge(
    registry,
    info,
    gpus.map((it) => ({ labels: { ...nameOf(it), vendor: it.vendor, index: String(it.index) }, value: 1 })),
  );
  for (const { name, help, read } of NUMBERS)
    gauge(
      registry,
      family(name, help),
      gpus.map((it) => ({ labels: nameOf(it), value: read(it) })),
    );
  const owned = family("memory_owner_bytes", "Whose the memory in use is", ["owner"]);
  gauge(
    registry,
    owned,
    gpus.flatMap((it) => ownersOf(it, engines)),
  );
  for (const { name, help, label, rows } of STATES)
    gauge(
      registry,
      family(name, help, [label]),
      gpus.flatMap((it) => rows(it)),
    );
  const source = {
    name: "tandem_gpu_source_health",
    help: "1 for how a make of GPU is heard now",
    labels: ["source", "state"],
  };
  gauge(
    registry,
    source,
    gpuSources.flatMap((it) => states({ source: it.name }, SOURCE_HEALTHS, it.health)),
  );
  const main = [
    { name: "tandem_main_memory_total_bytes", help: "Main memory", value: mainMemory?.totalBytes ?? null },
    {
      name: "tandem_main_memory_used_bytes",
      help: "Main memory that could not be had",
      value: mainMemory?.usedBytes ?? null,
    },
  ];
  for (const { name, help, value } of main) gauge(registry, { name, help, labels: [] }, [{ labels: {}, value }]);
}

function family(name: string, help: string, labels: readonly string[] = []): Family {
  return { name: `tandem_gpu_${name}`, help, labels: ["uuid", "name", ...labels] };
}

function nameOf({ uuid, name }: GpuStatus): Row["labels"] {
  return { uuid, name };
}

/** What a card said last is not what holds once it has gone silent: a gap tells more than a line that stands still. */
function current(read: (gpu: GpuStatus) => number | null): (gpu: GpuStatus) => number | null {
  return (gpu) => (gpu.health === "broken" ? null : read(gpu));
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

const NUMBERS: readonly {
  readonly name: string;
  readonly help: string;
  readonly read: (it: GpuStatus) => number | null;
}[] = [
  { name: "memory_total_bytes", help: "Memory of the GPU", read: (it) => it.totalBytes },
  { name: "memory_used_bytes", help: "Memory in use, by whomever", read: current((it) => it.usedBytes) },
  { name: "memory_free_bytes", help: "Memory that is free", read: current((it) => it.freeBytes) },
  { name: "memory_reserve_bytes", help: "Memory kept free of models, by the settings", read: (it) => it.reserveBytes },
  {
    name: "busy_ratio",
    help: "Share of the time in which it computed",
    read: current((it) => scaled(it.busyPercent, 0.01)),
  },
  { name: "temperature_celsius", help: "How warm it is", read: current((it) => it.celsius) },
  { name: "power_watts", help: "What it draws", read: current((it) => it.powerWatts) },
  { name: "power_limit_watts", help: "What it may draw", read: (it) => it.powerLimitWatts },
  { name: "core_clock_hertz", help: "Clock of its processors", read: current((it) => scaled(it.coreMegahertz, 1e6)) },
  { name: "memory_clock_hertz", help: "Clock of its memory", read: current((it) => scaled(it.memoryMegahertz, 1e6)) },
  { name: "reading_age_seconds", help: "How old the last reading is", read: (it) => it.ageMs / 1_000 },
];

const STATES: readonly {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly rows: (it: GpuStatus) => Row[];
}[] = [
  {
    name: "telemetry_health",
    help: "1 for what the last reading is worth",
    label: "state",
    rows: (it) => states(nameOf(it), HEALTHS, it.health),
  },
  {
    name: "memory_pressure",
    help: "1 for how full it is, steadied",
    label: "level",
    rows: (it) => states(nameOf(it), PRESSURES, it.health === "broken" ? null : it.pressure, "level"),
  },
  {
    name: "thermal_level",
    help: "1 for how warm it is or soon will be",
    label: "level",
    rows: (it) => states(nameOf(it), THERMALS, it.health === "broken" ? null : (it.thermal?.level ?? null), "level"),
  },
  {
    name: "brake",
    help: "1 where this slows its clocks down",
    label: "reason",
    rows: (it) => (it.health === "broken" ? [] : brakesOf(it)),
  },
];

function brakesOf(gpu: GpuStatus): Row[] {
  const { brakes } = gpu;
  if (brakes === null) return [];
  return BRAKES.map((reason) => ({ labels: { ...nameOf(gpu), reason }, value: brakes.includes(reason) ? 1 : 0 }));
}

/** Tandem's models, as they are counted by the governor, and everybody else. */
function ownersOf(gpu: GpuStatus, engines: readonly EngineStatus[]): Row[] {
  const held = engines.flatMap((it) => it.memory.filter(({ device }) => device === gpu.uuid));
  const ours = held.reduce((sum, it) => sum + it.bytes, 0);
  const used = gpu.health === "broken" ? null : gpu.usedBytes;
  return [
    { labels: { ...nameOf(gpu), owner: "tandem" }, value: ours },
    { labels: { ...nameOf(gpu), owner: "other programs" }, value: used === null ? null : Math.max(0, used - ours) },
  ];
}
