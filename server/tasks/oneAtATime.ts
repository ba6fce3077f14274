import { aborted } from "../errors.ts";
import type { Engine } from "../ports.ts";
import type { Lease, Scheduler } from "../scheduler.ts";

/** What of the scheduler a task takes turns from. */
export type Turns = Pick<Scheduler, "snapshot" | "acquire" | "tryAcquire">;

/**
 * The same, whose turns a task's draft and audit can share: where both write on one turn, one waits for the other, as an engine promises
 * no more answers at once than it has turns.
 */
export function oneAtATime(scheduler: Turns): Turns {
  return {
    snapshot: () => scheduler.snapshot(),
    acquire: async (id, emit, signal) => shareable(await scheduler.acquire(id, emit, signal)),
    tryAcquire(id) {
      const lease = scheduler.tryAcquire(id);
      return lease && shareable(lease);
    },
  };
}

/** The same turn for who works on it besides; who lends it gives it back. */
export function borrow(lease: Lease): Lease {
  return { ...lease, [Symbol.dispose]: () => undefined };
}

function shareable(lease: Lease): Lease {
  return {
    ...lease,
    engine: { ...lease.engine, generate: inLine(lease.engine) },
    resume: async (emit, signal) => shareable(await lease.resume(emit, signal)),
  };
}

function inLine(engine: Engine): Engine["generate"] {
  let last: Promise<void> = Promise.resolve();
  return async function* generate(request, signal) {
    const before = last;
    const done = Promise.withResolvers<void>();
    last = before.then(() => done.promise);
    try {
      await Promise.race([before, aborted(signal)]);
      yield* engine.generate(request, signal);
    } finally {
      done.resolve();
    }
  };
}
