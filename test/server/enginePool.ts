import type { TestContext } from "node:test";
import type { Priority } from "../../server/core/govern/event.ts";
import { GOVERN_RULES, type GovernRules } from "../../server/core/govern/rules.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { createEnginePool, type Lease, type Membership } from "../../server/scheduler.ts";
import type { PoolDeps } from "../../server/slot/pool.ts";
import type { Place } from "../../server/slot/state.ts";
import { type FakeCard, fakeCard, GB } from "../fakes/card.ts";
import { silentLog } from "../fakes/log.ts";
import { type FakePlaces, fakePlaces } from "../fakes/places.ts";

export interface PoolBench extends AsyncDisposable {
  readonly card: FakeCard;
  readonly places: FakePlaces;
  /** A client with these engines, a person unless it is said. */
  join(places: readonly Place[], priority?: Priority): Membership;
  /** Asks for a turn, and keeps what the client is told. */
  ask(member: Membership, id: string, signal?: AbortSignal): Asked;
  /** So much time goes by, and whatever follows from it happens. */
  pass(ms: number): Promise<void>;
  /** What follows from what has happened happens. */
  settle(): Promise<void>;
  readonly residents: () => string[];
}

export interface Asked {
  readonly lease: Promise<Lease>;
  readonly events: RunEvent[];
}

export interface BenchOptions {
  readonly totalBytes?: number;
  readonly rules?: Partial<GovernRules>;
  readonly wasResident?: (key: string) => boolean;
  readonly onBreaker?: PoolDeps["onBreaker"];
}

const STEP_MS = 250;
const never = new AbortController().signal;

/** The engines of all clients on a fake card, in time that the test makes go by. */
export function poolBench(t: TestContext, options: BenchOptions = {}): PoolBench {
  t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const card = fakeCard(options.totalBytes ?? 24 * GB);
  const places = fakePlaces(card);
  let nowMs = 0;
  const pool = createEnginePool({
    clock: { nowMs: () => nowMs },
    log: silentLog,
    devices: card,
    rules: () => ({ ...GOVERN_RULES, ...options.rules }),
    wasResident: options.wasResident ?? (() => false),
    onBreaker: options.onBreaker,
    onChange: () => undefined,
  });
  const settle = async () => {
    for (let turn = 0; turn < 8; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return {
    card,
    places,
    settle,
    join(given, priority = "interactive") {
      const member = pool.join(priority);
      member.configure(given);
      return member;
    },
    ask(member, id, signal = never) {
      const events: RunEvent[] = [];
      const lease = member.acquire(id, (event) => events.push(event), signal);
      lease.catch(() => undefined); // the test looks at it when it is time
      return { lease, events };
    },
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += STEP_MS) {
        nowMs += STEP_MS;
        t.mock.timers.tick(STEP_MS);
        if (nowMs % 1_000 === 0) card.report();
        await settle();
      }
    },
    residents: () => [...places.engines.keys()],
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
