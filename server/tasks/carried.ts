import { estimateTokens, promptLength } from "../core/prompt.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Clock, GenerateRequest, Piece } from "../ports.ts";
import type { EngineUse } from "../protocol/run.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Lease } from "../scheduler.ts";
import { type AnswerSoFar, createAnswer } from "./answerSoFar.ts";
import { type Failover, type Successor, seamTo } from "./failover.ts";
import { createMeter } from "./meter.ts";

/**
 * A piece, or word that another engine goes on: nothing before a `seam` is taken back, and nothing is said twice. After `over` all of the
 * answer comes anew: text that a grammar confines cannot be gone on with.
 */
export type CarriedPiece =
  | Piece
  | { readonly kind: "seam"; readonly seam: Seam }
  | { readonly kind: "over"; readonly why: string };

/** A turn that outlives its engine: where that fails, the next of the chain goes on after the text that is there. */
export interface Carried extends Disposable {
  /** The turn on the engine that writes at the moment. */
  readonly lease: Lease;
  /**
   * Throws as `Engine.generate` does, once no engine is left that could go on. The counts of its `done` are of the answer: its prompt and
   * its text once, however often they were read.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<CarriedPiece>;
  /** What the last `generate`, which is over, cost in all; waiting for another engine is not part of it. */
  used(): EngineUse;
}

export interface CarryInput {
  readonly lease: Lease;
  /** Null: nobody goes on. */
  readonly failover: Failover | null;
  readonly clock: Clock;
  /** On the clock: whoever waits for the answer gives up then. Null: unknown. */
  readonly deadlineMs: number | null;
  /** What an answer that a grammar confines does when its engine breaks in the middle of it. */
  readonly confined: "starts over" | "fails";
  /** Hears of every engine that takes over, and how much text was there. */
  readonly onMove?: (successor: Successor, atCharacters: number) => void;
}

/** A turn on one engine, with nobody to go on after it. */
export function carriedBy(lease: Lease, clock: Clock): Carried {
  return carry({ lease, failover: null, clock, deadlineMs: null, confined: "fails" });
}

/** A turn that another engine takes over where its own one fails. */
export function carry(input: CarryInput): Carried {
  const { clock, deadlineMs } = input;
  const deadline = deadlineMs === null ? {} : { deadlineMs };
  const given = new AbortController();
  let { lease } = input;
  let answer = createAnswer({ maxTokens: 0 });

  async function* generate(request: GenerateRequest, wanted: AbortSignal): AsyncGenerator<CarriedPiece, void, void> {
    const signal = AbortSignal.any([wanted, given.signal]);
    throwIfAborted(signal);
    answer = createAnswer(request);
    for (;;) {
      if (mayMove(input, request)) lease.offer();
      const leg = answer.begin(createMeter(lease, clock));
      const hasSuccessor = input.failover?.isReplaceable(lease.id, tokensOf(request, answer)) ?? false;
      const asked = { ...request, ...deadline, ...answer.rest(), hasSuccessor };
      try {
        for await (const piece of lease.engine.generate(asked, signal)) {
          leg.see(piece);
          yield piece.kind === "done" ? leg.done(piece) : piece;
        }
        return leg.check(lease);
      } catch (error) {
        leg.breakOff();
        if (signal.aborted) throw error;
        lease.reportFailure(error);
        if (answer.isFull) return yield answer.ended();
        const successor = await moveOn({ error, lease, request, answer, isHasty: hasSuccessor }, input, signal);
        lease = successor.lease;
        if (signal.aborted) lease[Symbol.dispose]();
        throwIfAborted(signal);
        if (!successor.isResumed) input.onMove?.(successor, answer.text.length);
        const said = saidOf(successor, answer, request);
        if (said) yield said;
      } finally {
        leg.finish();
      }
    }
  }

  return {
    get lease() {
      return lease;
    },
    generate,
    used: () => answer.used(lease),
    [Symbol.dispose]() {
      given.abort(new TandemError("cancelled", "The turn was given back", "Run it again"));
      lease[Symbol.dispose]();
    },
  };
}

/** Who could not go on with it when it is ended early does not offer his turn to more urgent work. */
function mayMove({ failover, confined }: CarryInput, { shape }: GenerateRequest): boolean {
  return failover !== null && (shape === null || confined === "starts over");
}

interface Break {
  readonly error: unknown;
  readonly lease: Lease;
  readonly request: GenerateRequest;
  readonly answer: AnswerSoFar;
  readonly isHasty: boolean;
}

async function moveOn(
  { error, lease, request, answer, isHasty }: Break,
  input: CarryInput,
  signal: AbortSignal,
): Promise<Successor> {
  const { failover, clock, deadlineMs } = input;
  const hasText = answer.text !== "";
  const isLate = deadlineMs !== null && clock.nowMs() >= deadlineMs;
  if (!failover || isLate || (hasText && !mayMove(input, request))) throw error;
  return await failover.goOn({ lease, error, hasText, tokens: tokensOf(request, answer), isHasty }, signal);
}

function tokensOf({ prompt }: GenerateRequest, { text }: AnswerSoFar): number {
  return promptLength(prompt) + estimateTokens(text);
}

function saidOf(successor: Successor, answer: AnswerSoFar, request: GenerateRequest): CarriedPiece | null {
  const atCharacters = answer.text.length;
  if (atCharacters === 0) return null;
  if (request.shape === null)
    return successor.isResumed ? null : { kind: "seam", seam: seamTo(successor, atCharacters) };
  answer.startOver();
  return { kind: "over", why: successor.why };
}
