import type { RouteRecord } from "../../protocol/routing.ts";
import type { RouteCandidate } from "../../protocol/run.ts";
import type { EngineView, Route } from "../route.ts";
import type { RoutePolicy } from "./policy.ts";
import { ratesOf } from "./price.ts";
import { routeAgain } from "./record.ts";

/** A decision, looked at again with everything that was known. */
export interface Explained {
  readonly made: Route;
  /** The best of those that were not chosen; null: there was no other. */
  readonly runnerUp: RouteCandidate | null;
  /** How much later it would have been done, in milliseconds; below 0: sooner, but it does not stand as well to the task. */
  readonly behindMs: number | null;
  /** Single changes, any of which would have made it win: each goes on after "if". Found by deciding again, not by guessing. */
  readonly wouldWinIf: readonly string[];
}

/** Requests more than this are not tried. */
const MOST_LOAD = 64;
/** Nobody makes an engine faster than this many times. */
const MOST_TIMES = 100;
/** A tenth of a per cent is exact enough. */
const STEPS = 18;

/** Why it was decided so, by this policy. Null: nobody would be chosen. */
export function explain(record: RouteRecord, policy: RoutePolicy): Explained | null {
  const made = routeAgain(record, policy);
  if (!made) return null;
  const runnerUp = made.candidates.find((it) => it.engine !== made.draft.engine) ?? null;
  if (!runnerUp) return { made, runnerUp, behindMs: null, wouldWinIf: [] };
  const behindMs = runnerUp.cost.totalMs - made.draft.cost.totalMs;
  const asked: Asked = { record, policy, winner: made.draft.engine, loser: runnerUp.engine };
  return {
    made,
    runnerUp,
    behindMs,
    wouldWinIf: [...states(asked), ...speeds(asked), ...loads(asked), ...draws(asked)],
  };
}

interface Asked {
  readonly record: RouteRecord;
  readonly policy: RoutePolicy;
  readonly winner: string;
  readonly loser: string;
}

type Change = Partial<EngineView>;

function wins({ record, policy, loser }: Asked, changed: Partial<RouteRecord>): boolean {
  return routeAgain({ ...record, ...changed }, policy)?.draft.engine === loser;
}

function winsWith(asked: Asked, engine: string, change: Change): boolean {
  const engines = asked.record.engines.map((it) => (it.id === engine ? { ...it, ...change } : it));
  return wins(asked, { engines });
}

/** What could be otherwise about the one that lost. */
function states(asked: Asked): string[] {
  const { record, winner, loser } = asked;
  const it = record.engines.find(({ id }) => id === loser);
  const better = record.engines.find(({ id }) => id === winner);
  if (!it || !better) return [];
  const closed = { state: "closed", retryInMs: null, why: null } as const;
  const changes: readonly (readonly [boolean, Change, string])[] = [
    [!it.isResident, { isResident: true }, "it were loaded already"],
    [it.load > 0, { load: 0 }, "it had nothing else to do"],
    [it.failures > 0 || (it.reliability ?? 1) < 1, { failures: 0, reliability: 1 }, "it had not failed"],
    [(it.breaker?.state ?? "closed") !== "closed", { breaker: closed }, "its circuit breaker were closed"],
    [(it.thermal ?? "normal") !== "normal", { thermal: "normal" }, "its device were cool"],
    [
      it.roles.join() !== better.roles.join(),
      { roles: better.roles },
      `it had the roles of ${better.model.label} (${better.roles.join(", ")})`,
    ],
  ];
  return changes.flatMap(([isOtherwise, change, words]) =>
    isOtherwise && winsWith(asked, loser, change) ? [words] : [],
  );
}

/** From how many times its speed on it would have won. */
function speeds(asked: Asked): string[] {
  const { record, policy, loser } = asked;
  const it = record.engines.find(({ id }) => id === loser);
  if (!it) return [];
  const { decode, prefill } = ratesOf(it, policy);
  const isEnough = (times: number) =>
    winsWith(asked, loser, { decodePerSecond: decode * times, prefillPerSecond: prefill * times });
  if (!isEnough(MOST_TIMES)) return [];
  let [low, high] = [1, MOST_TIMES];
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.sqrt(low * high);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return [`it were ${high.toFixed(high < 10 ? 1 : 0)} times as fast (${Math.ceil(decode * high)} tokens/s)`];
}

/** From how many more requests on the winner would have been passed over. */
function loads(asked: Asked): string[] {
  const it = asked.record.engines.find(({ id }) => id === asked.winner);
  if (!it) return [];
  for (let more = 1; more <= MOST_LOAD; more++)
    if (winsWith(asked, it.id, { load: it.load + more }))
      return [`${it.model.label} had ${more} more request${more === 1 ? "" : "s"} at work or waiting`];
  return [];
}

function draws(asked: Asked): string[] {
  const others = Array.from({ length: 20 }, (_, at) => at / 20);
  return others.some((draw) => wins(asked, { draw })) ? ["the two that were drawn among equals had been others"] : [];
}
