import {
  type Failure,
  type Fallback,
  type FallbackStep,
  fallback,
  isReplaceable,
  type Need,
} from "../core/fallback.ts";
import type { CloudPermission } from "../core/route.ts";
import { isPreempted, TandemError, throwIfAborted } from "../errors.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Lease } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import { borrow, type Turns } from "./oneAtATime.ts";

export interface FailoverInput {
  readonly scheduler: Turns;
  readonly emit: Emit;
  readonly need: Omit<Need, "tokens">;
  /** Null: engines in the cloud are not asked. */
  readonly cloud: CloudPermission | null;
  /** What the task does with the engines: an audit that moves is no seam in the answer. */
  readonly work: "answers" | "audits";
  /** Left out: the task holds no other turn. */
  readonly holding?: Holding;
}

/**
 * Another turn that this task holds. Who holds one must not wait for a second, or two tasks could wait for each other: rather than that
 * it is used, and where it cannot be, given up before anything is waited for.
 */
export interface Holding {
  /** Resolves once it is there; null: there is none. */
  readonly lease: () => Promise<Lease | null>;
  /** Ends what is done on it; null: it is worth more than what would wait. */
  readonly giveUp: (() => void) | null;
}

/** What broke off, and how much is there of the answer. */
export interface Broken {
  readonly lease: Lease;
  readonly error: unknown;
  /** Whether text of it has gone out. */
  readonly hasText: boolean;
  /** Prompt and text that is there, estimated. */
  readonly tokens: number;
  /** It was asked but once, as another was ready. */
  readonly isHasty?: boolean;
}

/** Another engine goes on. */
export interface Successor {
  readonly lease: Lease;
  /** The engines, for people. */
  readonly from: string;
  readonly to: string;
  /** Why the first one does not, and why this one does. */
  readonly why: string;
  /** It is in the cloud. */
  readonly isCloud: boolean;
  /** The same engine goes on as before, after more urgent work: there is nothing to tell. */
  readonly isResumed: boolean;
}

/** One task's way from engine to engine. It remembers which failed. */
export interface Failover {
  /** A turn on this engine; on another, where it cannot be had and another may do. Throws TandemError. */
  begin(engine: string, signal: AbortSignal): Promise<Begun>;
  /**
   * A turn on the engine that goes on; the broken one's is given back first, so that nobody waits for what he holds. Throws what broke it
   * where nobody is left.
   */
  goOn(broken: Broken, signal: AbortSignal): Promise<Successor>;
  /** Whether another engine would answer at once where this one fails. */
  isReplaceable(engine: string, tokens: number): boolean;
}

export interface Begun {
  readonly lease: Lease;
  /** Why it is not the engine that was asked for; null: it is. */
  readonly why: string | null;
}

/** Engines that one request is tried on after the first: enough to get past a few dead ones, few enough to end soon. */
const MOST_MOVES = 8;
/** Times that one request gives way; the governor lets none do so more than three times, on one engine. */
const MOST_RESUMES = 12;

export function createFailover(input: FailoverInput): Failover {
  const { scheduler, emit, work } = input;
  const { fail, next, isReplaceable } = createWalk(input);
  let resumes = 0;
  return {
    isReplaceable,
    async begin(engine, signal) {
      try {
        return { lease: await scheduler.acquire(engine, emit, signal), why: null };
      } catch (error) {
        throwIfAborted(signal);
        const failed = fail(engine, error, "turn");
        // Nothing is held as long as nothing was had: the auditor sees to that.
        const { holding: _, ...alone } = input;
        const { lease } = await next(0, alone, signal);
        const why = `${engine} could not be had (${failed.message})`;
        tell(input, { from: engine, to: lease.id, why, notice: `${why}; ${lease.id} ${work} instead` });
        return { lease, why };
      }
    },
    async goOn({ lease: broken, error, hasText, tokens, isHasty = false }, signal) {
      const from = nameOf(broken);
      if (isPreempted(error) && ++resumes <= MOST_RESUMES) {
        const lease = await resumed(broken, input, signal);
        const isResumed = lease.id === broken.id;
        // Who stands in for an engine is of this machine.
        return { lease, from, to: nameOf(lease), why: error.message, isCloud: false, isResumed };
      }
      broken[Symbol.dispose]();
      const failed = fail(broken.id, error, hasText ? "text" : isHasty ? "hasty answer" : "answer");
      const { lease, step } = await next(tokens, input, signal);
      const to = nameOf(lease);
      const why = `${failed.message}; ${step.why}`;
      // In the middle of an answer who streams it knows best where.
      if (!hasText || work === "audits")
        tell(input, { from, to, why, notice: `${from} failed (${failed.message}); ${to} ${work} instead` });
      return { lease, from, to, why, isCloud: step.kind === "cloud", isResumed: false };
    },
  };
}

/** From failure to failure, until an engine is found or nobody is left. */
function createWalk({ scheduler, need, cloud }: FailoverInput) {
  const failures: Failure[] = [];
  const errors: unknown[] = [];
  let moves = 0;
  const fail = (engine: string, error: unknown, phase: Phase): Failure => {
    const failure = failureOf(engine, error, phase);
    failures.push(failure);
    errors.push(error);
    return failure;
  };
  return {
    fail,
    isReplaceable: (engine: string, tokens: number): boolean =>
      isReplaceable(engine, { engines: scheduler.snapshot(), failures, need: { ...need, tokens }, cloud }),
    async next(
      tokens: number,
      from: FailoverInput,
      signal: AbortSignal,
    ): Promise<{ lease: Lease; step: FallbackStep }> {
      for (;;) {
        const found = fallback({ engines: scheduler.snapshot(), failures, need: { ...need, tokens }, cloud });
        const [step] = found.next;
        if (!step || moves >= MOST_MOVES) throw nobodyLeft(failures, errors, found);
        moves++;
        try {
          const lease = await turn(found.next, from, signal);
          const taken = found.next.find((it) => it.engine === lease.id) ?? step;
          return { lease, step: taken };
        } catch (error) {
          throwIfAborted(signal);
          fail(step.engine, error, "turn");
        }
      }
    },
  };
}

interface Move {
  readonly from: string;
  readonly to: string;
  readonly why: string;
  readonly notice: string;
}

function tell({ emit, work }: FailoverInput, { notice, ...seam }: Move): void {
  emit({ kind: "notice", message: notice });
  if (work === "answers") emit({ kind: "seam", seam: { atCharacters: 0, ...seam } });
}

type Phase = Failure["phase"] | "hasty answer";

function failureOf(engine: string, error: unknown, phase: Phase): Failure {
  // What has no code is a bug, and is not tried out on other engines.
  if (!(error instanceof TandemError)) throw error;
  const { code, message, details } = error;
  const status = typeof details?.status === "number" ? details.status : null;
  if (phase === "hasty answer") return { engine, code, status, message, phase: "answer", isHasty: true };
  return { engine, code, status, message, phase };
}

/** The same engine once more, when the more urgent work is done; for what may not wait only if that is now. */
async function resumed(broken: Lease, input: FailoverInput, signal: AbortSignal): Promise<Lease> {
  const { holding, emit } = input;
  if (!holding) return broken.resume(emit, signal);
  if (holding.giveUp)
    return firstOf(
      unlessHeld(holding, () => false),
      (enough) => broken.resume(emit, any(signal, enough)),
    );
  broken[Symbol.dispose]();
  return turn([{ engine: broken.id, kind: "again", why: "it is free again" }], input, signal);
}

/** The first choice if it is free at once, or if this task holds nothing that others may wait for; else what it holds. */
async function turn(
  choices: readonly FallbackStep[],
  { scheduler, emit, holding }: FailoverInput,
  signal: AbortSignal,
): Promise<Lease> {
  const [first] = choices;
  if (!first) throw new Error("there is no choice");
  const free = scheduler.tryAcquire(first.engine);
  if (free) return free;
  if (!holding) return scheduler.acquire(first.engine, emit, signal);
  const isUsable = ({ id }: Lease) => choices.some((it) => it.engine === id);
  if (holding.giveUp)
    return firstOf(unlessHeld(holding, isUsable), (enough) =>
      scheduler.acquire(first.engine, emit, any(signal, enough)),
    );
  const held = await holding.lease();
  if (held && isUsable(held)) return borrow(held);
  throw new TandemError("provider", `${first.engine} is not free`, "Run it again");
}

/** What is held, if it can be used, as soon as it is there. If it cannot, it is given up, and this never resolves. */
function unlessHeld({ lease, giveUp }: Holding, isUsable: (lease: Lease) => boolean) {
  return async (isOver: () => boolean): Promise<Lease> => {
    const held = await lease();
    if (held && isUsable(held)) return borrow(held);
    if (held && !isOver()) giveUp?.();
    return new Promise<never>(() => undefined);
  };
}

function any(signal: AbortSignal, enough: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, enough]);
}

/** What is held already, or what is waited for; whichever comes second is let go. */
async function firstOf(
  held: (isOver: () => boolean) => Promise<Lease>,
  wait: (enough: AbortSignal) => Promise<Lease>,
): Promise<Lease> {
  const enough = new AbortController();
  const waiting = wait(enough.signal);
  let first: Lease | null = null;
  try {
    first = await Promise.race([held(() => enough.signal.aborted), waiting]);
    return first;
  } finally {
    enough.abort(new TandemError("cancelled", "Another engine goes on", "Nothing to do"));
    void waiting.then(
      (lease) => first !== lease && lease[Symbol.dispose](),
      () => undefined,
    );
  }
}

/** Where an answer goes on, for who reads it. */
export function seamTo({ from, to, why, isCloud }: Successor, atCharacters: number): Seam {
  return { atCharacters, from, to, why, ...(isCloud ? { isCloud } : {}) };
}

function nameOf({ engine }: Lease): string {
  return `${engine.model.label} on ${engine.device}`;
}

/** The first failure is the one that matters; what else was tried, or not even asked, is said after it. */
function nobodyLeft(failures: readonly Failure[], errors: readonly unknown[], { passed }: Fallback): unknown {
  const [error] = errors;
  const others = failures.slice(1);
  if (!(error instanceof TandemError) || others.length === 0) return error;
  const tried = others.map((it) => `${it.engine}: ${it.message}`).join("; ");
  const failed = new Set(failures.map((it) => it.engine));
  const left = passed.filter((it) => !failed.has(it.engine)).map((it) => `; ${it.engine} was not asked: ${it.why}`);
  const details = { ...error.details, tried: failures.map(({ engine, code }) => ({ engine, code })) };
  return new TandemError(error.code, `${error.message}; then ${tried}${left.join("")}`, error.nextStep, {
    ...{ cause: error, details, isRetryable: error.isRetryable },
  });
}
