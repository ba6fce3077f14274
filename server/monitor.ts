import { isFullAfter } from "./core/fullness.ts";
import { PRESSURE_RULES, type Pressure, type PressureRules, pressureAfter } from "./core/pressure.ts";
import {
  type GpuReading,
  type GpuState,
  type Health,
  healthOf,
  PERIOD_MS,
  type Report,
  statesOf,
} from "./core/telemetry.ts";
import { THERMAL_RULES, type Thermal, type ThermalRules, thermalAfter } from "./core/thermal.ts";
import type { Clock, Log } from "./ports.ts";
import type { Status } from "./protocol/status.ts";

/** One GPU now: what it is worth, how full and how warm. Null: never told. */
export interface Watched extends GpuState {
  readonly source: string;
  readonly pressure: Pressure | null;
  readonly thermal: Thermal | null;
}

/** What is known of all GPUs at one moment. */
export interface Telemetry {
  readonly gpus: readonly Watched[];
  /** Each make by itself; null while it has not said anything yet and may still do so. */
  readonly sources: readonly {
    readonly name: string;
    readonly health: Health | null;
    readonly reason: string | null;
  }[];
}

/** A reading and when it came. */
export interface Sample {
  readonly atMs: number;
  readonly reading: GpuReading;
}

/** Owns the readings of this machine's GPUs. Nothing here waits for a driver. */
export interface Monitor extends AsyncDisposable {
  /** Begins to read; the second call and later ones change nothing. */
  begin(): void;
  /** What is known at this moment, with its age. */
  now(): Telemetry;
  /** The last readings of a GPU, the oldest first; at most `MOST_SAMPLES`. */
  recent(uuid: string): readonly Sample[];
  /** Called after each report. Stop by disposing. */
  listen(listener: () => void): Disposable;
}

/** One make of GPU to read from. */
export interface MonitorSource {
  readonly name: string;
  start(report: (report: Report) => void): Promise<AsyncDisposable> | AsyncDisposable;
}

/** By what a reading is judged, as settings have it at the moment. */
export interface MonitorRules {
  readonly pressure: PressureRules;
  readonly thermal: ThermalRules;
}

export interface MonitorDeps {
  readonly sources: readonly MonitorSource[];
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at every reading, so that a changed setting counts from the next one on. */
  readonly rules?: () => MonitorRules;
  /** How often its sources speak. */
  readonly periodMs?: number;
  /** Hears of every reading that can be true. */
  readonly onReading?: (reading: GpuReading) => void;
}

const RULES: MonitorRules = { pressure: PRESSURE_RULES, thermal: THERMAL_RULES };

/** At one a second these are the last hundred seconds. */
export const MOST_SAMPLES = 100;
/** Cards that come and go under new names are no reason to grow. */
const MOST_GPUS = 64;

export function createMonitor(deps: MonitorDeps): Monitor {
  const { sources, clock, log, rules = () => RULES, periodMs = PERIOD_MS, onReading } = deps;
  const listeners = new Set<() => void>();
  const feeds = sources.map(({ name }) => createFeed(name, { clock, log, rules, periodMs }));
  let begun: readonly Promise<AsyncDisposable | null>[] | null = null;
  let isOver = false;

  const take = (feed: Feed, report: Report) => {
    if (isOver) return;
    const change = feed.take(report);
    if (change) log.info("gpu", { source: feed.name, ...change });
    if (report.kind === "reading" && report.gpu.fault === null) onReading?.(report.gpu);
    for (const it of listeners) it();
  };

  return {
    begin() {
      begun ??= sources.map(async (source, nth) => {
        const feed = feeds[nth];
        if (!feed) return null;
        feed.begin();
        try {
          return await source.start((report) => take(feed, report));
        } catch (error) {
          log.error("gpu source failed", { source: source.name, reason: String(error) });
          return null;
        }
      });
    },
    now: () => ({ gpus: feeds.flatMap((it) => it.watched()), sources: feeds.map((it) => it.state()) }),
    recent: (uuid) => feeds.flatMap((it) => it.samples(uuid)),
    listen(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      const started = await Promise.all(begun ?? []);
      await Promise.all(started.map((it) => it?.[Symbol.asyncDispose]()));
    },
  };
}

/** The readings in memory of every GPU, with the age of each. */
export function recentOf(monitor: Monitor, nowMs: number) {
  return monitor.now().gpus.map(({ reading: { uuid, name } }) => ({
    uuid,
    name,
    samples: monitor.recent(uuid).map(({ atMs, reading }) => ({ ageMs: nowMs - atMs, reading })),
  }));
}

/** What clients are told of it, with what is kept free of models on each GPU by its uuid. */
export function gpuStatus(
  { gpus, sources }: Telemetry,
  reserveBytes: (uuid: string) => number,
): Pick<Status, "gpus" | "gpuSources"> {
  return {
    gpus: gpus.map(({ reading, health, trouble, ageMs, pressure, thermal }) => {
      const { uuid, vendor, index, name, totalBytes, usedBytes, freeBytes, busyPercent } = reading;
      const { celsius, powerWatts, powerLimitWatts, brakes, processes } = reading;
      const { coreMegahertz, memoryMegahertz, isPartitioned } = reading;
      return {
        ...{ uuid, vendor, index, name, health, trouble, ageMs: Math.round(ageMs) },
        ...{ totalBytes, usedBytes, freeBytes, busyPercent, celsius, powerWatts, powerLimitWatts },
        ...{ coreMegahertz, memoryMegahertz, isPartitioned, reserveBytes: reserveBytes(uuid) },
        brakes: brakes && [...brakes],
        pressure: pressure?.level ?? null,
        thermal: thermal && { level: thermal.level, why: thermal.why },
        processes: processes && [...processes],
      };
    }),
    gpuSources: sources.map(({ name, health, reason }) => ({ name, health: health ?? "starting", reason })),
  };
}

interface Card {
  /** A ring: the newest at `next - 1`. */
  readonly samples: Sample[];
  next: number;
  latest: Sample;
  pressure: Pressure | null;
  thermal: Thermal | null;
  isFull: boolean;
}

type FeedDeps = Required<Pick<MonitorDeps, "clock" | "log" | "rules" | "periodMs">>;

interface Feed {
  readonly name: string;
  begin(): void;
  /** What is new to people, if anything: a card, or trouble. */
  take(report: Report): Record<string, unknown> | null;
  watched(): Watched[];
  state(): Telemetry["sources"][number];
  samples(uuid: string): Sample[];
}

/** What one source has said. */
function createFeed(name: string, { clock, log, rules, periodMs }: FeedDeps): Feed {
  const cards = new Map<string, Card>();
  let startedMs = clock.nowMs();
  let last: { readonly report: Exclude<Report, { kind: "reading" }>; readonly atMs: number } | null = null;

  const heard = () => ({
    report: last?.report ?? null,
    reportedMs: last?.atMs ?? 0,
    readings: [...cards.values()].map(({ latest }) => ({ gpu: latest.reading, atMs: latest.atMs })),
  });

  return {
    name,
    begin() {
      startedMs = clock.nowMs();
    },
    take(report) {
      const atMs = clock.nowMs();
      if (report.kind !== "reading") {
        const isNews = last?.report.reason !== report.reason;
        last = { report, atMs };
        return isNews ? { ...report } : null;
      }
      const hadTrouble = last !== null;
      last = null;
      const { card, isNew } = keep(cards, { atMs, reading: report.gpu });
      judge(card, rules());
      warnWhenFull(card, log);
      return isNew || hadTrouble ? { kind: "reading", gpu: report.gpu.name, uuid: report.gpu.uuid } : null;
    },
    watched: () =>
      statesOf(heard(), clock.nowMs(), periodMs).map((it) => {
        const { pressure = null, thermal = null } = cards.get(it.reading.uuid) ?? {};
        return { ...it, source: name, pressure, thermal };
      }),
    state: () => ({
      name,
      health: healthOf(heard(), { startedMs, nowMs: clock.nowMs(), periodMs }),
      reason: last?.report.reason ?? null,
    }),
    samples(uuid) {
      const card = cards.get(uuid);
      return card ? [...card.samples.slice(card.next), ...card.samples.slice(0, card.next)] : [];
    },
  };
}

function keep(cards: Map<string, Card>, sample: Sample): { readonly card: Card; readonly isNew: boolean } {
  const { uuid } = sample.reading;
  const known = cards.get(uuid);
  const card = known ?? { samples: [], next: 0, latest: sample, pressure: null, thermal: null, isFull: false };
  card.samples[card.next] = sample;
  card.next = (card.next + 1) % MOST_SAMPLES;
  card.latest = sample;
  if (known) return { card, isNew: false };
  const [oldest] = cards.keys();
  if (cards.size >= MOST_GPUS && oldest !== undefined) cards.delete(oldest);
  cards.set(uuid, card);
  return { card, isNew: true };
}

/** What a reading does not tell leaves the level as it was; a fault says nothing about either. */
function judge(card: Card, rules: MonitorRules): void {
  const { atMs, reading } = card.latest;
  const { usedBytes, totalBytes, celsius, brakes, fault } = reading;
  if (fault !== null) return;
  if (usedBytes !== null && totalBytes !== null)
    card.pressure = pressureAfter(card.pressure, { usedBytes, totalBytes, atMs }, rules.pressure);
  if (celsius === null) return;
  const isBraked = brakes?.includes("heat") ?? false;
  card.thermal = thermalAfter(card.thermal, { celsius, isBraked, atMs }, rules.thermal);
}

/** Once when it fills up, and again only after there was room in between. */
function warnWhenFull(card: Card, log: Log): void {
  const { usedBytes, totalBytes, name, uuid, fault, processes } = card.latest.reading;
  if (fault !== null || usedBytes === null || totalBytes === null) return;
  const wasFull = card.isFull;
  card.isFull = isFullAfter(wasFull, { usedBytes, totalBytes });
  if (!card.isFull || wasFull) return;
  const usedPercent = Math.round((usedBytes / totalBytes) * 100);
  const [largest] = processes ?? [];
  log.warn("gpu memory nearly full", { gpu: name, uuid, usedPercent, largest: largest?.name ?? null });
}
