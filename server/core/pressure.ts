import { climb, type Ladder, levelAt, type Standing } from "./ladder.ts";

/** How full a GPU's memory is. */
export type PressureLevel = "normal" | "moderate" | "high" | "critical";

/** A GPU's pressure, with what is needed to go on from it. */
export type Pressure = Standing<PressureLevel>;

/** In percent of the GPU's memory, as settings give them. */
export interface PressureRules {
  /** From here on moderate, then high. */
  readonly moderate: number;
  readonly high: number;
  /** Above this critical. */
  readonly critical: number;
  readonly slackPoints: number;
  readonly dwellMs: number;
}

/** normal < 60, moderate 60 to 80, high 80 to 90, critical > 90. */
export const PRESSURE_RULES: PressureRules = {
  moderate: 60,
  high: 80,
  critical: 90,
  slackPoints: 5,
  dwellMs: 10_000,
};

/** The pressure after one more sample. What belongs to other programs counts like our own: it is `usedBytes` of the card. */
export function pressureAfter(before: Pressure | null, sample: Fill, rules = PRESSURE_RULES): Pressure {
  return climb(before, { value: usedPercent(sample), atMs: sample.atMs }, ladderOf(rules));
}

/** What a single sample would be, without what came before. */
export function pressureAt(sample: Omit<Fill, "atMs">, rules = PRESSURE_RULES): PressureLevel {
  return levelAt(usedPercent(sample), ladderOf(rules));
}

/** One sample of a GPU's memory; `totalBytes` is more than 0. */
export interface Fill {
  readonly usedBytes: number;
  readonly totalBytes: number;
  readonly atMs: number;
}

function usedPercent({ usedBytes, totalBytes }: Omit<Fill, "atMs">): number {
  return (usedBytes / totalBytes) * 100;
}

function ladderOf(rules: PressureRules): Ladder<PressureLevel> {
  return {
    lowest: "normal",
    steps: [
      { level: "moderate", from: rules.moderate },
      { level: "high", from: rules.high },
      { level: "critical", above: rules.critical },
    ],
    slack: rules.slackPoints,
    dwellMs: rules.dwellMs,
  };
}
