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

/**
 * The auditor's lease; its engine loads beside the drafter's. Null when the task has no audit, or when its engine cannot
 * be had: that costs the audit, not the draft.
 */
export async function acquireAuditor(input: AuditorInput, signal: AbortSignal): Promise<Lease | null> {
  const { plan, drafter, scheduler, emit, notice } = input;
  if (!plan.audit) return null;
  try {
    if (plan.audit.engine === plan.draft.engine) {
      const shared = await drafter;
      // With one slot the drafter's own lease serves, after the draft; it is not the audit's to give back.
      if (shared.engine.slots < 2) return { ...shared, [Symbol.dispose]: () => undefined };
    }
    return await scheduler.acquire(plan.audit.engine, emit, signal);
  } catch (error) {
    if (!signal.aborted) notice(`No audit: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
