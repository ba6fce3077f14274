import type { EvalMode } from "./outcome.ts";

/** One task in one mode. */
export interface Turn<T> {
  readonly task: T;
  readonly mode: EvalMode;
}

/** So many tasks are done in one mode before the next mode has them: models need not be swapped for each, and who stops early has pairs. */
export const BLOCK = 8;

/**
 * Tasks in an order that the seed shuffles, languages taking turns, so that any beginning of it has all of them. The same seed gives the
 * same order, whatever order they are given in.
 */
export function ordered<T extends { readonly id: string; readonly language: string }>(
  tasks: readonly T[],
  seed: number,
): T[] {
  const random = randomOf(seed);
  const byLanguage = new Map<string, T[]>();
  for (const task of tasks.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const same = byLanguage.get(task.language) ?? [];
    same.splice(Math.floor(random() * (same.length + 1)), 0, task);
    byLanguage.set(task.language, same);
  }
  const lists = [...byLanguage.values()];
  const longest = Math.max(0, ...lists.map((it) => it.length));
  return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat();
}

/** Every task in every mode, block by block. */
export function turnsOf<T>(tasks: readonly T[], modes: readonly EvalMode[]): Turn<T>[] {
  const turns: Turn<T>[] = [];
  for (let at = 0; at < tasks.length; at += BLOCK)
    for (const mode of modes) for (const task of tasks.slice(at, at + BLOCK)) turns.push({ task, mode });
  return turns;
}

/** Numbers in [0, 1) from a seed: Marsaglia's xorshift with 32 bits (Journal of Statistical Software 8, 2003). */
function randomOf(seed: number): () => number {
  // Zero stays zero for ever, and small seeds begin alike.
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
