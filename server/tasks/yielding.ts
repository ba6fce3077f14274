import { isPreempted } from "../errors.ts";
import type { Lease } from "../slot/lease.ts";
import type { Emit } from "../slot/state.ts";

export interface Yielding {
  /** The first turn; this ends it, and those after it. */
  readonly lease: Lease;
  readonly emit: Emit;
  /** Hears each time that the work gave way. */
  readonly onYield?: () => void;
}

/** Work that gave way so often keeps its turn long before (`GovernRules.mostBackgroundPreemptions`). */
const MOST_TURNS = 16;

/**
 * Does a piece of work in a turn that may be ended for more urgent work, and then again from its beginning in the next. For work in short
 * pieces: a batch of vectors, one measurement. Throws what the work throws, and what waiting for a turn does.
 */
export async function yielding<T>(
  { lease, emit, onYield = () => undefined }: Yielding,
  work: (lease: Lease) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let turn = lease;
  for (let nth = 1; ; nth++) {
    using held = turn;
    held.offer();
    try {
      return await work(held);
    } catch (error) {
      if (!isPreempted(error) || nth >= MOST_TURNS) throw error;
      onYield();
      turn = await held.resume(emit, signal);
    }
  }
}
