import type { Route } from "../core/route.ts";
import { TandemError } from "../errors.ts";
import type { Lease, Scheduler } from "../scheduler.ts";
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
  const { plan, drafter, scheduler, notice } = input;
  if (!plan.audit) return null;
  const { engine } = plan.audit;
  try {
    if (engine === plan.draft.engine) return await beside(await drafter, scheduler, engine);
    return await ownUnlessShort(input, engine, signal);
  } catch (error) {
    if (!signal.aborted) notice(`No audit: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** A second turn on the drafter's engine if one is free; else its own turn, afterwards. */
function beside(drafting: Lease, scheduler: Scheduler, engine: string): Auditor {
  // Waiting for a second turn while holding the first, tasks could wait for each other.
  const second = scheduler.tryAcquire(engine);
  return second ? own(second) : shared(drafting);
}

/**
 * A turn on an engine of its own. Where that would have to wait for memory which the drafter holds, or the drafter is on that very
 * engine for want of room for its own, the drafter's turn is used afterwards: a task never waits for what it holds itself.
 */
async function ownUnlessShort(
  { drafter, scheduler, emit, notice }: AuditorInput,
  engine: string,
  signal: AbortSignal,
): Promise<Auditor> {
  const enough = new AbortController();
  const isShort = Promise.withResolvers<string>();
  const acquired = scheduler.acquire(
    engine,
    (event) => {
      emit(event);
      if (event.kind === "waiting" && event.why !== undefined) isShort.resolve(event.why);
    },
    AbortSignal.any([signal, enough.signal]),
  );
  const held = drafter.then(
    async (drafting) => {
      const why = drafting.id === engine ? `${drafting.engine.model.label} drafts already` : await isShort.promise;
      return { drafting, why };
    },
    // The task fails with it, and ends this by the signal.
    () => new Promise<never>(() => undefined),
  );
  const first = await Promise.race([acquired, held]);
  if (!("drafting" in first)) return own(first);
  enough.abort(new TandemError("cancelled", "The drafter audits", "Nothing to do"));
  // It may have come at the same moment.
  await acquired.then(
    (lease) => lease[Symbol.dispose](),
    () => undefined,
  );
  notice(`The audit comes after the draft, from the same model: ${first.why}`);
  return shared(first.drafting);
}

function shared(lease: Lease): Auditor {
  return { lease, isShared: true, [Symbol.dispose]: () => undefined };
}

function own(lease: Lease): Auditor {
  return { lease, isShared: false, [Symbol.dispose]: () => lease[Symbol.dispose]() };
}
