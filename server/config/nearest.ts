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

/** Levenshtein's distance: letters to put in, take out or replace. */
function slipsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MOST_SLIPS) return MOST_SLIPS + 1;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? MOST_SLIPS + 1;
}
