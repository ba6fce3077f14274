import { climb, type Ladder, rank, type Standing } from "./ladder.ts";

/**
 * How warm a GPU is, by what is to be done about it.
 * - normal    nothing
 * - warm      watch it
 * - hot       shed load: it slows down soon, or does already
 * - critical  no new work, and one model at most
 */
export type ThermalLevel = "normal" | "warm" | "hot" | "critical";

/** In degrees Celsius, as settings give them. */
export interface ThermalRules {
  /** From here on warm. */
  readonly warm: number;
  /** Above this hot, then critical. */
  readonly hot: number;
  readonly critical: number;
  readonly slackDegrees: number;
  readonly dwellMs: number;
  /** How far back the slope looks, and how far ahead it is drawn. */
  readonly slopeMs: number;
}

/** Where consumer cards are warm, begin to slow down, and are about to. */
export const THERMAL_RULES: ThermalRules = {
  warm: 65,
  hot: 80,
  critical: 85,
  slackDegrees: 5,
  dwellMs: 10_000,
  slopeMs: 30_000,
};

/** One sample of a GPU's temperature. `isBraked`: its driver says that heat slows it down. */
export interface Warmth {
  readonly celsius: number;
  readonly isBraked: boolean;
  readonly atMs: number;
}

/** A GPU's warmth, with what is needed to go on from it. */
export interface Thermal {
  readonly level: ThermalLevel;
  readonly sinceMs: number;
  /** Null: too little is known yet. */
  readonly degreesPerMinute: number | null;
  /** One sentence: what the level follows from. */
  readonly why: string;
  readonly standing: Standing<ThermalLevel>;
  /** The samples the slope is made of, oldest first. */
  readonly recent: readonly Warmth[];
}

/** A slope through fewer samples, or over a shorter time, is noise. */
const LEAST_SAMPLES = 5;
const LEAST_SPAN_MS = 10_000;
/** However fast samples come, no more are kept. */
const MOST_SAMPLES = 64;

/**
 * The warmth after one more sample. A card that will be hot within `slopeMs` at the pace of the last `slopeMs` is hot already, so that
 * load is shed before it slows down; critical is only what is measured, since it stops work. A card that its driver slows down for
 * heat is hot at any temperature.
 */
export function thermalAfter(before: Thermal | null, sample: Warmth, rules = THERMAL_RULES): Thermal {
  const ladder = ladderOf(rules);
  const recent = [...(before?.recent ?? []), sample]
    .filter((it) => it.atMs >= sample.atMs - rules.slopeMs)
    .slice(-MOST_SAMPLES);
  const degreesPerMinute = slope(recent);
  const aheadCelsius = sample.celsius + (degreesPerMinute ?? 0) * (rules.slopeMs / 60_000);
  const isHeading = sample.celsius >= rules.warm && aheadCelsius > rules.hot;
  // As much as makes it hot, and no more.
  const atLeast = sample.isBraked || isHeading ? rules.hot + Number.EPSILON * rules.hot : -Infinity;
  const value = Math.max(sample.celsius, atLeast);
  const standing = climb(before?.standing ?? null, { value, atMs: sample.atMs }, ladder);
  const why = reason({ sample, standing, isHeading, aheadCelsius }, rules);
  return { level: standing.level, sinceMs: standing.sinceMs, degreesPerMinute, why, standing, recent };
}

/** Whether `level` is at least `least`. */
export function isAtLeast(level: ThermalLevel, least: ThermalLevel): boolean {
  const ladder = ladderOf(THERMAL_RULES);
  return rank(level, ladder) >= rank(least, ladder);
}

interface Grounds {
  readonly sample: Warmth;
  readonly standing: Standing<ThermalLevel>;
  readonly isHeading: boolean;
  readonly aheadCelsius: number;
}

function reason({ sample, standing, isHeading, aheadCelsius }: Grounds, { hot, slopeMs }: ThermalRules): string {
  const degrees = `${Math.round(sample.celsius)} °C`;
  if (standing.falling) return `${degrees} now, and not long enough below ${standing.level}`;
  if (sample.isBraked) return `${degrees}, and its driver slows it down for heat`;
  if (isHeading && sample.celsius <= hot)
    return `${degrees} and rising: ${Math.round(aheadCelsius)} °C in ${Math.round(slopeMs / 1_000)} s at this pace`;
  return degrees;
}

/** Least squares, so that one odd sample bends it little. */
function slope(samples: readonly Warmth[]): number | null {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last || samples.length < LEAST_SAMPLES || last.atMs - first.atMs < LEAST_SPAN_MS) return null;
  const meanMs = samples.reduce((sum, it) => sum + it.atMs, 0) / samples.length;
  const meanCelsius = samples.reduce((sum, it) => sum + it.celsius, 0) / samples.length;
  let together = 0;
  let spread = 0;
  for (const it of samples) {
    together += (it.atMs - meanMs) * (it.celsius - meanCelsius);
    spread += (it.atMs - meanMs) ** 2;
  }
  return (together / spread) * 60_000;
}

function ladderOf(rules: ThermalRules): Ladder<ThermalLevel> {
  return {
    lowest: "normal",
    steps: [
      { level: "warm", from: rules.warm },
      { level: "hot", above: rules.hot },
      { level: "critical", above: rules.critical },
    ],
    slack: rules.slackDegrees,
    dwellMs: rules.dwellMs,
  };
}
