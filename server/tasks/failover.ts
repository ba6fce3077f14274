import { type Failure, type Fallback, type FallbackStep, fallback, type Need } from "../core/fallback.ts";
import type { CloudPermission } from "../core/route.ts";
import { isPreempted, TandemError, throwIfAborted } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Lease, Scheduler } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";

export interface FailoverInput {
  readonly scheduler: Pick<Scheduler, "snapshot" | "acquire" | "tryAcquire">;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly need: Omit<Need, "tokens">;
  /** Null: engines in the cloud are not asked. */
  readonly cloud: CloudPermission | null;
  /**
   * A turn on another engine that this task holds already, once it is there; null: it has none. Who holds one must not wait for a
   * second, or two tasks could wait for each other: rather than that, it is used.
   */
  readonly spare?: Promise<Lease | null>;
}

/** What broke off, and how much is there of the answer. */
export interface Broken {
  readonly lease: Lease;
  readonly error: unknown;
  /** Whether text of it has gone out. */
  readonly hasText: boolean;
  /** Prompt and text that is there, estimated. */
  readonly tokens: number;
}

/** Another engine goes on. */
export interface Successor {
  readonly lease: Lease;
  /** The engines, for people. */
  readonly from: string;
  readonly to: string;
  /** Why the first one does not, and why this one does. */
  readonly why: string;
  /** It goes on in the middle of an answer that another engine, or the same one before it broke, has begun. */
  readonly isSeam: boolean;
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
}

export interface Begun {
  readonly lease: Lease;
  /** Why it is not the engine that was asked for; null: it is. */
  readonly why: string | null;
}

/** Engines that one request is tried on after the first: enough to get past a few dead ones, few enough to end soon. */
const MOST_MOVES = 8;

export function createFailover(input: FailoverInput): Failover {
  const { scheduler, emit, need, cloud } = input;
  const failures: Failure[] = [];
  const errors: unknown[] = [];
  let moves = 0;

  function fail(failure: Failure, error: unknown): void {
    failures.push(failure);
    errors.push(error);
  }

  async function next(tokens: number, signal: AbortSignal): Promise<{ lease: Lease; step: FallbackStep }> {
    for (;;) {
      const found = fallback({ engines: scheduler.snapshot(), failures, need: { ...need, tokens }, cloud });
      const [step] = found.next;
      if (!step || moves >= MOST_MOVES) throw nobodyLeft(failures, errors, found);
      moves++;
      try {
        const lease = await turn(step, found.next, input, signal);
        const taken = found.next.find((it) => it.engine === lease.id) ?? step;
        return { lease, step: taken };
      } catch (error) {
        throwIfAborted(signal);
        fail(failureOf(step.engine, error, "turn"), error);
      }
    }
  }

  return {
    async begin(engine, signal) {
      try {
        return { lease: await scheduler.acquire(engine, emit, signal), why: null };
      } catch (error) {
        throwIfAborted(signal);
        const failed = failureOf(engine, error, "turn");
        fail(failed, error);
        const { lease } = await next(0, signal);
        const why = `${engine} could not be had (${failed.message})`;
        emit({ kind: "notice", message: `${why}; ${lease.id} answers instead` });
        return { lease, why };
      }
    },
    async goOn({ lease: broken, error, hasText, tokens }, signal) {
      const from = nameOf(broken);
      if (isPreempted(error)) {
        const lease = await broken.resume(emit, signal);
        return { lease, from, to: nameOf(lease), why: error.message, isSeam: false };
      }
      broken[Symbol.dispose]();
      const failed = failureOf(broken.id, error, hasText ? "text" : "answer");
      fail(failed, error);
      const { lease, step } = await next(tokens, signal);
      const to = nameOf(lease);
      // In the middle of an answer the seam says it.
      if (!hasText) emit({ kind: "notice", message: `${from} failed (${failed.message}); ${to} answers instead` });
      return { lease, from, to, why: `${failed.message}; ${step.why}`, isSeam: hasText };
    },
  };
}

function failureOf(engine: string, error: unknown, phase: Failure["phase"]): Failure {
  // What has no code is a bug, and is not tried out on other engines.
  if (!(error instanceof TandemError)) throw error;
  const { code, message, details } = error;
  const status = typeof details?.status === "number" ? details.status : null;
  return { engine, code, status, message, phase };
}

/** The first choice if it is free at once, or if this task holds nothing that others may wait for; else what it holds. */
async function turn(
  step: FallbackStep,
  choices: readonly FallbackStep[],
  { scheduler, emit, spare }: FailoverInput,
  signal: AbortSignal,
): Promise<Lease> {
  const free = scheduler.tryAcquire(step.engine);
  if (free) return free;
  if (!spare) return scheduler.acquire(step.engine, emit, signal);
  const held = spare.then((it) =>
    it && choices.some(({ engine }) => engine === it.id) ? borrowed(it) : new Promise<never>(() => undefined),
  );
  const enough = new AbortController();
  const waiting = scheduler.acquire(step.engine, emit, AbortSignal.any([signal, enough.signal]));
  const first = await Promise.race([held, waiting]);
  waiting.then(
    (lease) => first !== lease && lease[Symbol.dispose](),
    () => undefined,
  );
  enough.abort(new TandemError("cancelled", "Another engine goes on", "Nothing to do"));
  return first;
}

/** Who lends it gives it back. */
function borrowed(lease: Lease): Lease {
  return { ...lease, [Symbol.dispose]: () => undefined };
}

function nameOf({ engine }: Lease): string {
  return `${engine.model.label} on ${engine.device}`;
}

/** The first failure is the one that matters; what else was tried, or not even asked, is said after it. */
function nobodyLeft(failures: readonly Failure[], errors: readonly unknown[], { passed }: Fallback): unknown {
  const [failed] = failures;
  const [error] = errors;
  if (!failed || !(error instanceof TandemError)) return error;
  const others = failures.slice(1);
  if (others.length === 0) return error;
  const tried = others.map((it) => `${it.engine}: ${it.message}`).join("; ");
  const failedToo = new Set(failures.map((it) => it.engine));
  const left = passed.filter((it) => !failedToo.has(it.engine)).map((it) => `; ${it.engine} was not asked: ${it.why}`);
  return new TandemError(error.code, `${error.message}; then ${tried}${left.join("")}`, error.nextStep, {
    cause: error,
    details: { ...error.details, tried: failures.map(({ engine, code }) => ({ engine, code })) },
    isRetryable: error.isRetryable,
  });
}
