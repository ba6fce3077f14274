import type { Route } from "../core/route.ts";
import { TandemError } from "../errors.ts";
import type { Lease } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import type { Carried } from "./carried.ts";
import type { Turns } from "./oneAtATime.ts";

export interface AuditorInput {
  readonly plan: Route;
  /** The drafter's lease, which may still be waiting or loading. */
  readonly drafter: Promise<Lease>;
  /** Resolves when the drafter has to wait for memory. */
  readonly isDraftShort: Promise<void>;
  /** Resolves when the drafter has to wait, for whatever there is. */
  readonly isDraftQueued: Promise<void>;
  /** Resolves when the draft is written: from here on only the audit keeps the drafter's engine from others. */
  readonly isDrafted: Promise<void>;
  readonly scheduler: Turns;
  readonly emit: Emit;
  readonly notice: (message: string) => void;
}

/** The turn that an audit is done in. */
export interface AuditTurn extends Disposable {
  readonly lease: Lease;
  /** It is the drafter's own lease: the audit comes after the draft, and the lease is not the audit's to give back. */
  readonly isShared: boolean;
}

/** Who audits. */
export interface Auditor extends AuditTurn {
  readonly carried: Carried;
}

/**
 * The auditor's lease; its engine loads beside the drafter's. Null when the task has no audit, or when its engine cannot
 * be had: that costs the audit, not the draft.
 */
export async function acquireAuditor(input: AuditorInput, signal: AbortSignal): Promise<AuditTurn | null> {
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
function beside(drafting: Lease, scheduler: Turns, engine: string): AuditTurn {
  // Waiting for a second turn while holding the first, tasks could wait for each other.
  const second = scheduler.tryAcquire(engine);
  return second ? own(second) : shared(drafting);
}

/**
 * A turn on an engine of its own, once both have theirs. A task never waits for what it holds itself: where the audit would have to wait
 * for memory while the draft holds some, the drafter audits afterwards; where the draft has to wait for memory, the audit lets go of its
 * turn, on whose engine the draft may then have to make do. Nor do two tasks wait for each other, of which one drafts where the other
 * audits: the audit keeps no turn while the draft waits for one, and waits for none once the draft is written.
 */
async function ownUnlessShort(input: AuditorInput, engine: string, signal: AbortSignal): Promise<AuditTurn> {
  const { drafter, notice } = input;
  const first = await both(input, engine, signal);
  if (first.kind === "both") return own(first.lease);
  const drafting = await drafter;
  if (first.kind === "draft is short" && drafting.id !== engine)
    return ownUnlessShort({ ...input, isDraftShort: NEVER, isDraftQueued: NEVER }, engine, signal);
  const why = first.kind === "audit is short" ? first.why : `${drafting.engine.model.label} drafts already`;
  notice(`The audit comes after the draft, from the same model: ${why}`);
  return shared(drafting);
}

const NEVER = new Promise<void>(() => undefined);

type First =
  | { readonly kind: "both"; readonly lease: Lease }
  | { readonly kind: "draft is short" }
  | { readonly kind: "audit is short"; readonly why: string };

/** What comes first: that both have a turn, or that one of them would have to wait for the other. */
async function both(input: AuditorInput, engine: string, signal: AbortSignal): Promise<First> {
  const { plan, drafter, scheduler, emit, isDraftShort, isDraftQueued, isDrafted } = input;
  const enough = new AbortController();
  const isShort = Promise.withResolvers<string>();
  const isQueued = Promise.withResolvers<void>();
  const hear: Emit = (event) => {
    emit(event);
    if (event.kind !== "waiting") return;
    isQueued.resolve();
    if (event.why !== undefined) isShort.resolve(event.why);
  };
  const isLate = Promise.all([isQueued.promise, isDrafted]).then(() => `${plan.audit?.model} answers other requests`);
  const acquired = scheduler.acquire(engine, hear, AbortSignal.any([signal, enough.signal]));
  let isKept = false;
  try {
    const first = await Promise.race([
      Promise.all([acquired, drafter]).then(([lease]): First => ({ kind: "both", lease })),
      isDraftShort.then((): First => ({ kind: "draft is short" })),
      // While it is loaded it goes on: only a turn is something that others may wait for.
      Promise.all([acquired, isDraftQueued]).then((): First => ({ kind: "draft is short" })),
      drafter.then(async ({ id }): Promise<First> => {
        if (id === engine) return { kind: "draft is short" };
        return { kind: "audit is short", why: await Promise.race([isShort.promise, isLate]) };
      }),
    ]);
    isKept = first.kind === "both";
    return first;
  } finally {
    if (!isKept) {
      enough.abort(new TandemError("cancelled", "The draft comes first", "Nothing to do"));
      await letGo(acquired);
    }
  }
}

/** It may have come at the same moment. */
async function letGo(acquired: Promise<Lease>): Promise<void> {
  await acquired.then(
    (lease) => lease[Symbol.dispose](),
    () => undefined,
  );
}

function shared(lease: Lease): AuditTurn {
  return { lease, isShared: true, [Symbol.dispose]: () => undefined };
}

function own(lease: Lease): AuditTurn {
  return { lease, isShared: false, [Symbol.dispose]: () => lease[Symbol.dispose]() };
}
