import type { Route } from "../core/route.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Lease } from "../slot/slot.ts";
import type { Emit } from "../slot/state.ts";

export interface AuditorInput {
  readonly plan: Route;
  /** The drafter's lease, which may still be waiting or loading. */
  readonly drafter: Promise<Lease>;
  readonly scheduler: Scheduler;
  readonly emit: Emit;
  readonly notice: (message: string) => void;
}

/** Who audits. */
export interface Auditor extends Disposable {
  readonly lease: Lease;
  /** It is the drafter's own lease: the audit comes after the draft, and the lease is not the audit's to give back. */
  readonly isShared: boolean;
}

/**
 * The auditor's lease; its engine loads beside the drafter's. Null when the task has no audit, or when its engine cannot
 * be had: that costs the audit, not the draft.
 */
export async function acquireAuditor(input: AuditorInput, signal: AbortSignal): Promise<Auditor | null> {
  const { plan, drafter, scheduler, emit, notice } = input;
  if (!plan.audit) return null;
  try {
    if (plan.audit.engine === plan.draft.engine) {
      const drafting = await drafter;
      // Waiting for a second turn while holding the first, tasks could wait for each other.
      const second = scheduler.tryAcquire(plan.audit.engine);
      return second ? own(second) : { lease: drafting, isShared: true, [Symbol.dispose]: () => undefined };
    }
    return own(await scheduler.acquire(plan.audit.engine, emit, signal));
  } catch (error) {
    if (!signal.aborted) notice(`No audit: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

function own(lease: Lease): Auditor {
  return { lease, isShared: false, [Symbol.dispose]: () => lease[Symbol.dispose]() };
}
