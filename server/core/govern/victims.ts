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

/** Of more candidates than these not every set is looked at. */
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

function movedBy(it: Candidate): number {
  return [...it.frees.values()].reduce((all, bytes) => all + bytes, 0);
}

/** Every candidate goes or stays; a branch is left when it is no cheaper than what was found, or cannot give enough any more. */
function bestSet(useful: readonly Candidate[], missing: ReadonlyMap<string, number>): readonly Candidate[] {
  const devices = [...missing.keys()];
  const order = [...useful].sort((a, b) => a.cost - b.cost);
  // What all from a candidate on give back together.
  const rest = order.map((_, nth) => devices.map((device) => freedBy(order.slice(nth), device)));
  let best = { chosen: useful, cost: sumOf(useful), moved: useful.reduce((sum, it) => sum + movedBy(it), 0) };
  const visit = (nth: number, branch: typeof best, lacking: readonly number[]): void => {
    if (branch.cost > best.cost || (branch.cost === best.cost && branch.moved >= best.moved)) return;
    if (lacking.every((bytes) => bytes <= 0)) {
      best = branch;
      return;
    }
    const it = order[nth];
    const left = rest[nth];
    if (!it || !left || lacking.some((bytes, device) => bytes > (left[device] ?? 0))) return;
    const without = devices.map((device, index) => (lacking[index] ?? 0) - (it.frees.get(device) ?? 0));
    const { chosen, cost, moved } = branch;
    visit(nth + 1, { chosen: [...chosen, it], cost: cost + it.cost, moved: moved + movedBy(it) }, without);
    visit(nth + 1, branch, lacking);
  };
  visit(0, { chosen: [], cost: 0, moved: 0 }, [...missing.values()]);
  return best.chosen;
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
