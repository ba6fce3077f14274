import { BACKGROUND_PATIENCE } from "./line.ts";
import type { GovernRules } from "./rules.ts";

/** What the longest wait of a request depends on. */
export interface Circumstances {
  readonly rules: Pick<GovernRules, "maxPassedOverMs" | "settleMs">;
  /** Other models that are wanted at the same time and share a device with this one. */
  readonly rivals: number;
  /** Requests that go before it on the same model: those that came before it, and of higher priority those that came after. */
  readonly ahead: number;
  /** What its model answers at once. */
  readonly slots: number;
  /** The most that answering, loading and unloading take, of any of the models, and the time between two readings of memory. */
  readonly serviceMs: number;
  readonly loadMs: number;
  readonly unloadMs: number;
  readonly readingMs: number;
  readonly priority: "interactive" | "task" | "background";
}

/**
 * The longest that a request can wait for its turn on its first choice, with P = `maxPassedOverMs`:
 *
 *   rounds × (P + rivals × (P + swap) + swap),  rounds = ⌈(ahead + 1) / slots⌉,  swap = service + unload + settle + reading + load
 *
 * A round: it is passed over for P at most; then it stands in line behind at most one turn of each rival, since a model that had its turn
 * goes to the end of the line (`passedSinceMs`), and a turn ends P after the load (`isTurnOver`); before each load, and before its own,
 * requests under way are answered, models unloaded, and memory shown as free. A turn serves at least as many as there are slots, which
 * is where the rounds come from. A background request waits ten times P before that, and P more for each background request before it.
 *
 * It holds while the devices can be used: not under critical pressure or heat, not while other programs or pinned models hold what it
 * needs, and as long as requests end.
 */
export function waitBoundMs(given: Circumstances): number {
  const { rules, rivals, ahead, slots, priority } = given;
  const swapMs = given.serviceMs + given.unloadMs + rules.settleMs + given.readingMs + given.loadMs;
  const roundMs = rules.maxPassedOverMs + rivals * (rules.maxPassedOverMs + swapMs) + swapMs;
  const rounds = Math.ceil((ahead + 1) / slots);
  const patienceMs = priority === "background" ? (BACKGROUND_PATIENCE + ahead) * rules.maxPassedOverMs : 0;
  return patienceMs + rounds * roundMs;
}
