import type { EmbedInput } from "../core/openai/vectors.ts";
import { isPreempted, TandemError, throwIfAborted } from "../errors.ts";
import type { Clock, Embeddings } from "../ports.ts";
import type { Lease, Scheduler } from "../scheduler.ts";
import type { Emit } from "../slot/state.ts";
import { isEnginesFault } from "./fault.ts";

/** Batches of 32 texts keep an engine busy without holding everybody else up. */
const MOST_BATCH = 32;
/** Batches at once, as far as the engine has slots that nobody else wants: more would only wait at the server. */
const MOST_AT_ONCE = 4;
/** Times one batch is asked for where the engine ended under it. */
const MOST_TRIES = 2;

export type MakeBatch = (batch: readonly EmbedInput[], lease: Lease, signal: AbortSignal) => Promise<Embeddings>;

export interface BatchesInput {
  readonly inputs: readonly EmbedInput[];
  /** The first turn; it is given back here, as are those that are taken besides. */
  readonly lease: Lease;
  readonly scheduler: Pick<Scheduler, "acquire" | "tryAcquire" | "snapshot">;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly make: MakeBatch;
}

interface Batch {
  readonly at: number;
  readonly inputs: readonly EmbedInput[];
}

/** The vectors of all inputs, in their order. The first failure ends what runs beside it; only the batch that failed is asked for again. */
export async function inBatches(input: BatchesInput, signal: AbortSignal): Promise<Embeddings> {
  const { inputs, lease, scheduler } = input;
  const batches: Batch[] = [];
  for (let at = 0; at < inputs.length; at += MOST_BATCH)
    batches.push({ at, inputs: inputs.slice(at, at + MOST_BATCH) });
  const made = new Map<number, Embeddings>();
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  const work = async (first: Lease) => {
    const turn = createTurn(first, input);
    try {
      for (let next = batches.shift(); next; next = batches.shift()) {
        made.set(next.at, await turn.make(next, both));
        if (batches.length > 0) await turn.giveWay(both);
      }
    } catch (error) {
      failed.abort();
      throw error;
    } finally {
      turn[Symbol.dispose]();
    }
  };
  const turns = [lease, ...spareTurns(Math.min(MOST_AT_ONCE, batches.length) - 1, lease, scheduler)];
  const ends = await Promise.allSettled(turns.map(work));
  throwIfAborted(signal);
  const reasons = ends.flatMap((it) => (it.status === "rejected" ? [it.reason] : []));
  // Those that were ended for the first one's sake say only that.
  const reason = reasons.find((it) => !(it instanceof TandemError && it.code === "cancelled")) ?? reasons[0];
  if (reason !== undefined) throw reason;
  const inOrder = [...made].toSorted(([a], [b]) => a - b).map(([, it]) => it);
  return {
    vectors: inOrder.flatMap((it) => it.vectors),
    promptTokens: inOrder.reduce((sum, it) => sum + it.promptTokens, 0),
  };
}

/** Turns that nobody waits for; one is left free where the engine has several, so that whoever comes meanwhile need not wait. */
function spareTurns(most: number, { id }: Lease, scheduler: BatchesInput["scheduler"]): Lease[] {
  const turns: Lease[] = [];
  while (turns.length < most) {
    const engine = scheduler.snapshot().find((it) => it.id === id);
    const turn = engine && engine.load < engine.slots - 1 ? scheduler.tryAcquire(id) : null;
    if (!turn) break;
    turns.push(turn);
  }
  return turns;
}

/** One place at the engine, kept from batch to batch as long as nobody else waits for one. */
function createTurn(first: Lease, input: BatchesInput) {
  const { clock, scheduler, emit, inputs } = input;
  let lease = first;

  async function once(batch: Batch, signal: AbortSignal): Promise<Embeddings> {
    // Nothing is lost when it is ended for more urgent work but this batch.
    lease.offer();
    const startedMs = clock.nowMs();
    const embeddings = await input.make(batch.inputs, lease, signal);
    throwIfAborted(signal);
    const { promptTokens } = embeddings;
    lease.report({ promptTokens, prefillMs: clock.nowMs() - startedMs, completionTokens: 0, decodeMs: 0 });
    return embeddings;
  }

  return {
    async make(batch: Batch, signal: AbortSignal): Promise<Embeddings> {
      for (let tries = 1; ; tries++) {
        try {
          return await once(batch, signal);
        } catch (error) {
          throwIfAborted(signal);
          if (isPreempted(error)) {
            tries--;
            lease = await lease.resume(emit, signal);
            continue;
          }
          if (isEnginesFault(error)) lease.reportFailure(error);
          // A server that is there already was asked again where that helps; one of ours that ended is started anew.
          const hasEnded = lease.engine.pid !== null && isEnginesFault(error);
          if (!hasEnded || tries >= MOST_TRIES) throw numbered(error, batch.at, inputs.length);
          lease = await lease.resume(emit, signal);
        }
      }
    },
    /** Lets others in between two batches who wait at this engine. */
    async giveWay(signal: AbortSignal): Promise<void> {
      const { id } = lease;
      const engine = scheduler.snapshot().find((it) => it.id === id);
      if (!engine || engine.load <= engine.slots) return;
      lease[Symbol.dispose]();
      lease = await scheduler.acquire(id, emit, signal);
    },
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** Engines count the texts of a batch; who asked counts all of his. */
function numbered(error: unknown, at: number, total: number): unknown {
  if (!(error instanceof TandemError) || typeof error.details?.index !== "number") return error;
  const index = at + error.details.index;
  const message = error.message.replace(/^Text \d+ of \d+/, `Text ${index + 1} of ${total}`);
  return new TandemError(error.code, message, error.nextStep, { cause: error, details: { ...error.details, index } });
}
