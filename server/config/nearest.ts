/** Further apart than this, two words are not each other's slip of the pen. */
const MOST_SLIPS = 3;

/** The known word that is meant by one there is not; null: none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((it) => ({ it, slips: slipsBetween(word.toLowerCase(), it.toLowerCase()) }))
    .filter(({ it, slips }) => slips <= Math.min(MOST_SLIPS, Math.ceil(it.length / 3)))
    .toSorted((a, b) => a.slips - b.slips);
  return ranked[0]?.it ?? null;
}

/** Letters to put in, take out or replace, or neighbours to swap (the restricted Damerau-Levenshtein distance). */
function slipsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MOST_SLIPS) return MOST_SLIPS + 1;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : MOST_SLIPS + 1;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? MOST_SLIPS + 1;
}
