import { createAgenda } from "./agenda.ts";
import { GIGABYTE, type Trace } from "./trace.ts";

/** More situations than these are not looked at. */
const MOST_SITUATIONS = 200_000;

/**
 * The fewest loads with which every request of a trace could have its turn within `longestWaitMs`, by somebody who knows the future. Null
 * where it is not worked out: several devices or choices, or too many situations.
 *
 * Exact for a problem that is easier than the real one, so that no schedule can do with fewer: answering takes no time and no slot,
 * loading takes none either but has to begin early enough to end in time, and what other programs hold is the least that they ever hold.
 * In that problem loads can be put off to the moment at which some request can wait no longer. A situation then is which models are
 * loaded and, of the others, which request is the first that waits; from each, every set of models is tried that could be loaded at that
 * moment, one after the other, and every set that could stay (shortest path, Dijkstra).
 */
export function fewestLoads(trace: Trace, longestWaitMs: number): number | null {
  const problem = problemOf(trace, longestWaitMs);
  return problem && search(problem);
}

interface Problem {
  readonly room: number;
  readonly sizes: readonly number[];
  /** By model: until when a load must begin so that the request has its turn in time, and when the request comes. Ascending. */
  readonly requests: readonly (readonly { readonly atMs: number; readonly untilMs: number }[])[];
  /** Sets of models as bits. */
  readonly fits: (set: number) => boolean;
}

function problemOf(trace: Trace, longestWaitMs: number): Problem | null {
  const devices = new Set(trace.models.flatMap((it) => it.options.flatMap(({ needs }) => needs.map((n) => n.device))));
  const [name] = devices;
  const device = trace.devices.find((it) => it.device === name);
  const isPlain =
    trace.models.every((it) => it.options.length === 1) && trace.requests.every((it) => it.choices.length === 1);
  if (!device || devices.size !== 1 || !isPlain || trace.models.length > 8) return null;
  const foreign = [0, ...trace.foreign.map((it) => it.gigabytes)];
  const least = trace.foreign.some((it) => it.atSeconds <= 0) ? Math.min(...foreign.slice(1)) : 0;
  const room = (device.totalGigabytes - device.reserveGigabytes - least) * GIGABYTE;
  const sizes = trace.models.map((it) => sum((it.options[0]?.needs ?? []).map((need) => need.gigabytes)) * GIGABYTE);
  const requests = trace.models.map(({ key, loadSeconds }) =>
    trace.requests
      .filter((it) => it.choices[0] === key)
      .map((it) => it.atSeconds * 1_000)
      .sort((a, b) => a - b)
      .map((atMs) => ({ atMs, untilMs: atMs + Math.max(0, longestWaitMs - loadSeconds * 1_000) })),
  );
  const fits = (set: number) => sum(sizes.filter((_, nth) => (set >> nth) & 1)) <= room;
  return { room, sizes, requests, fits };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, it) => total + it, 0);
}

interface Situation {
  readonly loaded: number;
  /** By model: its first request that waits, where it is not loaded. */
  readonly first: readonly number[];
}

function search(problem: Problem): number | null {
  const agenda = createAgenda<Situation>();
  const seen = new Set<string>();
  agenda.add(0, { loaded: 0, first: problem.sizes.map(() => 0) });
  for (let next = agenda.next(); next; next = agenda.next()) {
    const { what: situation, atMs: loads } = next;
    const key = `${situation.loaded} ${situation.first.map((it, nth) => ((situation.loaded >> nth) & 1 ? "" : it))}`;
    if (seen.has(key)) continue;
    seen.add(key);
    if (seen.size > MOST_SITUATIONS) return null;
    const due = nextDue(problem, situation);
    if (!due) return loads;
    for (const it of successors(problem, situation, due)) agenda.add(loads + it.loads, it.situation);
  }
  return null;
}

interface Due {
  readonly nth: number;
  readonly atMs: number;
}

function nextDue({ requests }: Problem, { loaded, first }: Situation): Due | null {
  let due: Due | null = null;
  for (const [nth, of] of requests.entries()) {
    const waiting = (loaded >> nth) & 1 ? undefined : of[first[nth] ?? 0];
    if (waiting && (!due || waiting.untilMs < due.atMs)) due = { nth, atMs: waiting.untilMs };
  }
  return due;
}

/** Everything that can be done at the last moment of a request: which models are loaded in turn, and which stay. */
function successors(problem: Problem, { loaded, first }: Situation, due: Due) {
  const { requests, sizes, fits } = problem;
  const found: { loads: number; situation: Situation }[] = [];
  // By model: its first request that is still to come.
  const coming = requests.map((of) => firstAfter(of, due.atMs));
  const waiting = sizes.map((_, nth) => !((loaded >> nth) & 1) && (first[nth] ?? 0) < (coming[nth] ?? 0));
  for (let load = 0; load < 1 << sizes.length; load++) {
    if ((load & loaded) !== 0 || !((load >> due.nth) & 1) || sizes.some((_, nth) => (load >> nth) & 1 && !waiting[nth]))
      continue;
    for (let stay = 0; stay < 1 << sizes.length; stay++) {
      if ((stay & ~(loaded | load)) !== 0 || !fits(stay)) continue;
      // Those that stay all the time leave room for each that comes.
      const kept = stay & loaded;
      if (sizes.some((_, nth) => (load >> nth) & 1 && !fits(kept | (1 << nth)))) continue;
      // To keep fewer than could be kept is never better.
      if (sizes.some((_, nth) => (((loaded | load) & ~stay) >> nth) & 1 && fits(stay | (1 << nth)))) continue;
      const after = sizes.map((_, nth) => (((loaded | load) >> nth) & 1 ? (coming[nth] ?? 0) : (first[nth] ?? 0)));
      found.push({ loads: countOf(load), situation: { loaded: stay, first: after } });
    }
  }
  return found;
}

function firstAfter(requests: readonly { readonly atMs: number }[], atMs: number): number {
  const found = requests.findIndex((it) => it.atMs > atMs);
  return found < 0 ? requests.length : found;
}

function countOf(set: number): number {
  let count = 0;
  for (let left = set; left > 0; left &= left - 1) count++;
  return count;
}
