/** Levels of something that rises and falls, from the lowest; the first needs no threshold. */
export interface Ladder<Level extends string> {
  readonly lowest: Level;
  /** `from` includes its value, `above` does not. Ascending. */
  readonly steps: readonly Step<Level>[];
  /** A level is left downwards only when the value is below its threshold by this much ... */
  readonly slack: number;
  /** ... and has been for this long. */
  readonly dwellMs: number;
}

/** Where a level begins. */
export type Step<Level extends string> =
  | { readonly level: Level; readonly from: number }
  | { readonly level: Level; readonly above: number };

/** Where on the ladder something stands. */
export interface Standing<Level extends string> {
  readonly level: Level;
  readonly sinceMs: number;
  /** Since when it could stand lower, and the highest level it could have had since; null: it belongs where it is. */
  readonly falling: { readonly sinceMs: number; readonly to: Level } | null;
}

/**
 * Where it stands after one more value. It rises at once, since danger does not wait, and falls late, so that a value that swings
 * about a threshold changes nothing.
 */
export function climb<Level extends string>(
  before: Standing<Level> | null,
  { value, atMs }: { readonly value: number; readonly atMs: number },
  ladder: Ladder<Level>,
): Standing<Level> {
  const reached = levelAt(value, ladder);
  if (!before || rank(reached, ladder) > rank(before.level, ladder))
    return { level: reached, sinceMs: atMs, falling: null };
  const held = levelAt(value + ladder.slack, ladder);
  if (rank(held, ladder) >= rank(before.level, ladder)) return { ...before, falling: null };
  const { falling } = before;
  const to = falling && rank(falling.to, ladder) > rank(held, ladder) ? falling.to : held;
  const sinceMs = falling?.sinceMs ?? atMs;
  if (atMs - sinceMs < ladder.dwellMs) return { ...before, falling: { sinceMs, to } };
  return { level: to, sinceMs: atMs, falling: null };
}

/** The level a value has by itself, whatever came before. */
export function levelAt<Level extends string>(value: number, { lowest, steps }: Ladder<Level>): Level {
  const reached = steps.findLast((it) => ("from" in it ? value >= it.from : value > it.above));
  return reached?.level ?? lowest;
}

/** 0 for the lowest level. */
export function rank<Level extends string>(level: Level, { steps }: Ladder<Level>): number {
  return steps.findIndex((it) => it.level === level) + 1;
}
