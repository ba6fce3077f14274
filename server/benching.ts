import type { Handlers } from "./handlers.ts";
import { type AskingDeps, askingParts } from "./pinning.ts";
import { createPlacing, type PlacingDeps } from "./placing.ts";
import type { Settings } from "./protocol/settings.ts";
import { keyOf, type RatedDeps, rated } from "./rates/rated.ts";
import type { EnginePool } from "./scheduler.ts";
import { benchmark, ratesOf } from "./tasks/benchmark.ts";

export interface BenchingDeps extends AskingDeps, PlacingDeps {
  readonly pool: EnginePool;
  readonly rates: RatedDeps;
}

/** The benchmark's own share, and its client's. */
const OWN_USERS = 2;

type Counted = <T>(task: () => Promise<T>) => Promise<T>;

/** Measures as a guest of its own at the engines, who lets everybody else go first. */
export function benchHandlers(
  deps: BenchingDeps,
  settings: () => Settings,
  counted: Counted,
): Pick<Handlers, "bench" | "benchmarks"> {
  return {
    bench: (params, { emit, signal }) =>
      counted(async () => {
        using member = rated(deps.pool.join("background"), deps.rates);
        const placing = createPlacing(member, deps);
        placing.begin(settings());
        await placing.done();
        const parts = await askingParts(member, placing.settings, deps);
        const keep: Parameters<typeof benchmark>[1]["keep"] = (id, engine, found) => {
          const key = keyOf(id, engine, { member, gpus: deps.rates.gpus() });
          if (key) deps.rates.book.noteBenchmark(key, ratesOf(found), found);
        };
        return await benchmark(params, { ...parts, scheduler: member, ownUsers: OWN_USERS, keep }, emit, signal);
      }),
    async benchmarks() {
      await deps.rates.book.open();
      return { benchmarks: deps.rates.book.benchmarks() };
    },
  };
}
