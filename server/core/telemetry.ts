/** A process that holds memory of a GPU, whoever started it. */
export interface GpuProcess {
  readonly pid: number;
  readonly name: string;
  /** Null: the driver hides it (Windows, some containers). */
  readonly bytes: number | null;
}

/** What slows a GPU's clocks down, as its driver says. */
export type Brake = "idle" | "power" | "heat" | "hardware" | "settings";

/** One GPU as its driver describes it at one moment. Null: the driver does not say; it is never a guess or a zero. */
export interface GpuReading {
  /** Names the card for good; an index changes with the slots. */
  readonly uuid: string;
  readonly vendor: "nvidia" | "amd" | "apple";
  readonly index: number;
  readonly name: string;
  readonly totalBytes: number | null;
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
  /** Share of the last moments in which something ran, 0 to 100. */
  readonly busyPercent: number | null;
  readonly celsius: number | null;
  readonly powerWatts: number | null;
  readonly powerLimitWatts: number | null;
  readonly coreMegahertz: number | null;
  readonly memoryMegahertz: number | null;
  readonly brakes: readonly Brake[] | null;
  /** NVIDIA's, as "8.9". */
  readonly computeCapability: string | null;
  readonly driver: string | null;
  /** Cut into instances (MIG): they are what a program can use, not the card. */
  readonly isPartitioned: boolean;
  readonly processes: readonly GpuProcess[] | null;
  /** What is wrong with this card, by its driver's words or because its numbers cannot be; null when nothing is. */
  readonly fault: string | null;
}

/** Why nothing can be read, and what to do about it. */
export interface Trouble {
  readonly reason: string;
  readonly nextStep: string;
}

/** What a source of readings says, as it comes. */
export type Report =
  | { readonly kind: "reading"; readonly gpu: GpuReading }
  /** There are GPUs, or there is their tool, but it cannot be read. */
  | ({ readonly kind: "broken" } & Trouble)
  /** There is none of this make. */
  | { readonly kind: "absent"; readonly reason: string };

/**
 * How much a reading is worth.
 * - ok      it is of now
 * - stale   it was true a moment ago
 * - broken  nobody knows: the tool hangs, fails or says what cannot be
 * - absent  there is nothing to read
 */
export type Health = "ok" | "stale" | "broken" | "absent";

/** The newest reading of one GPU, and what it is worth. */
export interface GpuState {
  readonly reading: GpuReading;
  readonly health: Exclude<Health, "absent">;
  /** Why it is not "ok"; null when it is. */
  readonly trouble: Trouble | null;
  readonly ageMs: number;
}

/** What was last heard of a source, and of each of its GPUs. Times are of one clock that never goes backwards. */
export interface Heard {
  readonly report: Exclude<Report, { readonly kind: "reading" }> | null;
  readonly reportedMs: number;
  readonly readings: readonly { readonly gpu: GpuReading; readonly atMs: number }[];
}

/** How often GPUs are read, unless it is set otherwise. */
export const PERIOD_MS = 1_000;
/** Three missed readings are no accident. */
const FRESH_PERIODS = 3.5;
/** From here on the last reading says nothing about now. */
const STALE_PERIODS = 30;

/** Each GPU of a source with the worth of its newest reading. What a source says of itself counts for readings from before. */
export function statesOf(
  { report, reportedMs, readings }: Heard,
  nowMs: number,
  periodMs: number = PERIOD_MS,
): GpuState[] {
  return readings.map(({ gpu, atMs }) => {
    const ageMs = Math.max(0, nowMs - atMs);
    const state = { reading: gpu, ageMs };
    if (gpu.fault !== null) return { ...state, health: "broken", trouble: { reason: gpu.fault, nextStep: FAULT_STEP } };
    if (report && reportedMs >= atMs) return { ...state, health: "broken", trouble: troubleOf(report) };
    if (ageMs <= periodMs * FRESH_PERIODS) return { ...state, health: "ok", trouble: null };
    const reason = `nothing has been heard of it for ${Math.round(ageMs / 1_000)} s`;
    const health = ageMs <= periodMs * STALE_PERIODS ? "stale" : "broken";
    return { ...state, health, trouble: { reason, nextStep: SILENT_STEP } };
  });
}

/** The worth of a source as a whole; `broken` before anything was heard for too long, and null while it may still begin. */
export function healthOf(heard: Heard, { startedMs, nowMs, periodMs = PERIOD_MS }: Looked): Health | null {
  const states = statesOf(heard, nowMs, periodMs).map((it) => it.health);
  for (const health of ["ok", "stale", "broken"] as const) if (states.includes(health)) return health;
  if (heard.report) return heard.report.kind;
  return nowMs - startedMs > periodMs * STALE_PERIODS ? "broken" : null;
}

/** When a source was begun, when it is looked at, and how often it should speak. */
export interface Looked {
  readonly startedMs: number;
  readonly nowMs: number;
  readonly periodMs?: number;
}

const FAULT_STEP = "Restart the machine; if it comes back, look at the card's power and seating";
const SILENT_STEP = "Run `tandem doctor`; a driver that hangs needs a restart of the machine";

function troubleOf(report: NonNullable<Heard["report"]>): Trouble {
  return report.kind === "broken"
    ? { reason: report.reason, nextStep: report.nextStep }
    : { reason: `it is gone: ${report.reason}`, nextStep: FAULT_STEP };
}
