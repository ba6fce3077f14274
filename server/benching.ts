import type { Priority } from "./core/govern/event.ts";
import type { Handlers } from "./handlers.ts";
import { type AskingDeps, askingParts } from "./pinning.ts";
import { createPlacing, type PlacingDeps } from "./placing.ts";
import type { Settings } from "./protocol/settings.ts";
import { keyOf, type RatedDeps, rated } from "./rates/rated.ts";
import type { EnginePool } from "./scheduler.ts";
import type { BenchDeps } from "./tasks/benchmarkDeps.ts";

export interface BenchingDeps extends AskingDeps, PlacingDeps {
  readonly pool: EnginePool;
  readonly rates: RatedDeps;
}

/** The benchmark's own two shares, and its client's. */
const OWN_USERS = 3;

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
        await deps.rates.book.open();
        // Measuring is read with the first measurement.
        const { benchmark, ratesOf } = await import("./tasks/benchmark.ts");
        using guests = new DisposableStack();
        const guest = await join("background", { guests, settings: settings() }, deps);
        const crowd = await join("task", { guests, settings: settings() }, deps);
        const given: BenchDeps = {
          ...guest,
          everySlot: crowd.scheduler,
          ownUsers: OWN_USERS,
          pin(model, use) {
            crowd.pin(model, use);
            return guest.pin(model, use);
          },
          keep(id, engine, found) {
            const key = keyOf(id, engine, { member: guest.scheduler, gpus: deps.rates.gpus() });
            if (key) deps.rates.book.noteBenchmark(key, ratesOf(found), found);
          },
        };
        return await benchmark(params, given, emit, signal);
      }),
    async benchmarks() {
      await deps.rates.book.open();
      return { benchmarks: deps.rates.book.benchmarks() };
    },
  };
}

interface Joining {
  /** Whom to see off in the end. */
  readonly guests: DisposableStack;
  readonly settings: Settings;
}

/** A share in the engines of its own, with the client's settings as they are now. */
async function join(priority: Priority, { guests, settings }: Joining, deps: BenchingDeps) {
  const scheduler = guests.use(rated(deps.pool.join(priority), deps.rates));
  using placing = createPlacing(scheduler, deps);
  placing.begin(settings);
  await placing.done();
  return { ...(await askingParts(scheduler, settings, deps)), scheduler };
}
