/** A model that may go: what it would give back, and what it costs to be without it. */
export interface Candidate {
  readonly key: string;
  /** From device to bytes. */
  readonly frees: ReadonlyMap<string, number>;
  readonly cost: number;
}

/** Models whose unloading makes the room, and what that costs. */
export interface Victims {
  readonly keys: readonly string[];
  readonly cost: number;
}

/** Of more candidates than these not every set is looked at: 4096 sets take well below a millisecond. */
export const MOST_EXHAUSTIVE = 12;

/**
 * The cheapest set of candidates that gives back at least `missing` of each device; of equally dear ones the one that moves the fewest
 * bytes. Null when even all of them give too little. Exact up to twelve candidates; of more, the cheapest for what they give are taken
 * until it is enough, and then those that turn out not to be needed are left out, the dearest first.
 */
export function cheapestVictims(
  candidates: readonly Candidate[],
  missing: ReadonlyMap<string, number>,
): Victims | null {
  const useful = candidates.filter((it) => [...missing.keys()].some((device) => (it.frees.get(device) ?? 0) > 0));
  if (!isEnough(useful, missing)) return null;
  const chosen = useful.length <= MOST_EXHAUSTIVE ? bestSet(useful, missing) : greedySet(useful, missing);
  return { keys: chosen.map((it) => it.key), cost: sumOf(chosen) };
}

/** What it costs to be without a model (research of peers, section f, upside down: the longer idle and the sooner back, the cheaper). */
export function costOfLosing(loss: { loadMs: number; weight: number; idleMs: number }): number {
  // One second more, so that what has just become idle is dear and not infinitely so.
  return ((loss.loadMs / 1_000) * loss.weight) / (loss.idleMs / 1_000 + 1);
}

function isEnough(chosen: readonly Candidate[], missing: ReadonlyMap<string, number>): boolean {
  for (const [device, bytes] of missing) if (freedBy(chosen, device) < bytes) return false;
  return true;
}

function freedBy(chosen: readonly Candidate[], device: string): number {
  return chosen.reduce((sum, it) => sum + (it.frees.get(device) ?? 0), 0);
}

function sumOf(chosen: readonly Candidate[]): number {
  return chosen.reduce((sum, it) => sum + it.cost, 0);
}

function movedBy(chosen: readonly Candidate[]): number {
  return chosen.reduce((sum, it) => sum + [...it.frees.values()].reduce((all, bytes) => all + bytes, 0), 0);
}

function bestSet(useful: readonly Candidate[], missing: ReadonlyMap<string, number>): readonly Candidate[] {
  let best = useful;
  let bestCost = sumOf(useful);
  let bestMoved = movedBy(useful);
  for (let set = 0; set < 2 ** useful.length; set++) {
    const chosen = useful.filter((_, nth) => (set >> nth) & 1);
    const cost = sumOf(chosen);
    if (cost > bestCost || !isEnough(chosen, missing)) continue;
    const moved = movedBy(chosen);
    if (cost === bestCost && moved >= bestMoved) continue;
    best = chosen;
    bestCost = cost;
    bestMoved = moved;
  }
  return best;
}

function greedySet(useful: readonly Candidate[], missing: ReadonlyMap<string, number>): readonly Candidate[] {
  const perByte = (it: Candidate) =>
    it.cost / [...missing.keys()].reduce((sum, device) => sum + (it.frees.get(device) ?? 0), 0);
  const cheapestFirst = [...useful].sort((a, b) => perByte(a) - perByte(b));
  let chosen: readonly Candidate[] = [];
  for (const it of cheapestFirst) if (!isEnough(chosen, missing)) chosen = [...chosen, it];
  for (const it of [...chosen].sort((a, b) => b.cost - a.cost)) {
    const without = chosen.filter((other) => other !== it);
    if (isEnough(without, missing)) chosen = without;
  }
  return chosen;
}
