import { batchSizes, promptsWithin, promptText, spreadOf } from "../core/benchmark.ts";
import { isPreempted, TandemError, throwIfAborted } from "../errors.ts";
import type { Clock, Engine, Piece } from "../ports.ts";
import type { Benchmark, BenchParams } from "../protocol/benchmark.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Lease as SlotLease } from "../slot/lease.ts";
import type { BenchDeps, EmitBench } from "./benchmarkDeps.ts";
import { withCeiling } from "./withCeiling.ts";
import { yielding } from "./yielding.ts";

type Lease = Awaited<ReturnType<Scheduler["acquire"]>>;

export interface Measuring {
  readonly id: string;
  /** As it was when it was loaded. */
  readonly engine: Engine;
  readonly params: BenchParams;
  readonly deps: BenchDeps;
  readonly emit: EmitBench;
}

export type Measured = Pick<Benchmark, "prompts" | "decode" | "batches" | "notices">;

/** Enough for a rate of words to tokens, and for all weights to have been read once. */
const WARM_WORDS = 64;
/** An answer shorter than this says nothing about a rate. */
const LEAST_TOKENS = 8;
/** Goes on for as long as it is let. */
const ENDLESS = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,";

/** A turn is taken for each request, so that nobody waits longer for his than for one of these. */
export async function measure(given: Measuring, signal: AbortSignal): Promise<Measured> {
  const { engine, params, emit } = given;
  const lengths = promptsWithin(params.promptTokens, engine.model.contextTokens);
  const sizes = batchSizes(engine.slots);
  const of = 2 + lengths.length + sizes.length;
  let nth = 0;
  const begin = (what: string) => emit({ kind: "measuring", engine: given.id, what, nth: ++nth, of });

  begin("a first request, which does not count");
  const bench = createBench(given);
  const text = promptText(bench.seed(), WARM_WORDS, 1);
  const warm = await bench.alone({ text, maxTokens: LEAST_TOKENS }, signal);
  const tokensPerWord = Math.max(0.2, warm.done.promptTokens / WARM_WORDS);

  const prompts: Benchmark["prompts"] = [];
  for (const length of lengths) {
    begin(`reading ${length} tokens`);
    prompts.push(await readingOf({ bench, length, tokensPerWord }, signal));
  }
  begin(`writing ${params.completionTokens} tokens`);
  const decode = await writingOf(bench, signal);
  const batches: Benchmark["batches"] = [];
  for (const requests of sizes) {
    begin(`${requests} requests at once`);
    const batch = await batchOf(bench, requests, signal);
    if (batch) batches.push(batch);
    else bench.notice(`${requests} of its slots were never free at the same time`);
  }
  const isShort = lengths.length < new Set(params.promptTokens).size;
  if (isShort)
    bench.notice(`prompts that do not fit its context of ${engine.model.contextTokens} tokens were left out`);
  if (!decode) bench.notice("its answers were too short to tell how fast it writes");
  return { prompts, decode, batches, notices: bench.notices() };
}

interface Asked {
  readonly text: string;
  readonly maxTokens: number;
}

/** One answer as it was seen. */
interface Answer {
  /** From asking to the first text; where none came, to the end. */
  readonly ttftMs: number;
  readonly done: Extract<Piece, { kind: "done" }>;
}

interface Bench {
  readonly params: BenchParams;
  /** A beginning of a text that no text before it had. */
  seed(): string;
  alone(asked: Asked, signal: AbortSignal): Promise<Answer>;
  /** So many at once; `tookMs` from the first request to the last answer. Null: so many slots were never free together. */
  together(requests: number, signal: AbortSignal): Promise<{ readonly tokens: number; readonly tookMs: number } | null>;
  notice(text: string): void;
  notices(): string[];
}

function createBench(given: Measuring): Bench {
  const { id, params, deps, emit } = given;
  const { clock, scheduler, settings, stamp } = deps;
  const notices = new Set<string>();
  let texts = 0;
  const { id: run } = stamp();

  /** Whether anybody else is at work, is looked at once it is our turn. */
  const turn = async (signal: AbortSignal) => {
    const lease = await scheduler.acquire(id, emit, signal);
    if (scheduler.status().some((it) => (it.id === id ? it.queued > 0 : it.isBusy))) notices.add(DISTURBED);
    return lease;
  };
  const gaveWay = () => void notices.add(GAVE_WAY);
  const bench: Bench = {
    params,
    // The number first: what two prompts have in common at their beginning is in the cache.
    seed: () => `${++texts} ${run}:`,
    async alone(asked, signal) {
      const lease = await turn(signal);
      const work = async (it: SlotLease) => {
        using ceiling = withCeiling(signal, settings);
        return await answer({ lease: it, asked, clock }, ceiling.signal);
      };
      return await yielding({ lease, emit, onYield: gaveWay }, work, signal);
    },
    async together(requests, signal) {
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        using leases = new DisposableStack();
        const turns = await freeTurns(requests, { given, turn, leases }, signal);
        if (turns === null) return null;
        using ceiling = withCeiling(signal, settings);
        const startedMs = clock.nowMs();
        const asked = () => ({ text: `${bench.seed()} ${ENDLESS}`, maxTokens: params.completionTokens });
        const answers = await allOrYield(
          turns,
          (lease, any) => answer({ lease, asked: asked(), clock }, any),
          ceiling.signal,
        );
        const tokens = answers?.reduce((sum, it) => sum + it.done.completionTokens, 0);
        if (tokens !== undefined) return { tokens, tookMs: clock.nowMs() - startedMs };
        gaveWay();
      }
      return null;
    },
    notice: (text) => void notices.add(text),
    notices: () => [...notices],
  };
  return bench;
}

const DISTURBED = "others were at work on this machine at the same time: the figures may be too low";

const GAVE_WAY = "it gave way to more urgent work, and measured again what that had ended";

/** All of the answers; null: one had to give way, and the others were broken off. */
async function allOrYield<T>(
  turns: readonly Lease[],
  work: (lease: Lease, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T[] | null> {
  const ending = new AbortController();
  const any = AbortSignal.any([signal, ending.signal]);
  for (const it of turns) it.offer();
  const answers = turns.map((it) => work(it, any));
  try {
    return await Promise.all(answers);
  } catch (error) {
    ending.abort(error);
    await Promise.allSettled(answers);
    if (isPreempted(error)) return null;
    throw error;
  }
}

/** How often so many free slots are looked for, each time after a turn that was waited for. */
const MOST_TRIES = 3;

interface Taking {
  readonly given: Measuring;
  readonly turn: (signal: AbortSignal) => Promise<Lease>;
  readonly leases: DisposableStack;
}

/** Background work may not have the last slot, and who holds one and waits for another may wait for ever: what is free is taken, or nothing. */
async function freeTurns(
  requests: number,
  { given, turn, leases }: Taking,
  signal: AbortSignal,
): Promise<Lease[] | null> {
  const { id, deps } = given;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    // Whoever is before us goes first, and the engine is loaded.
    (await turn(signal))[Symbol.dispose]();
    const turns = Array.from({ length: requests }, () => deps.everySlot.tryAcquire(id)).filter((it) => it !== null);
    if (turns.length === requests) return turns.map((it) => leases.use(it));
    for (const it of turns) it[Symbol.dispose]();
  }
  return null;
}

async function answer(
  { lease, asked, clock }: { readonly lease: SlotLease; readonly asked: Asked; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Answer> {
  const startedMs = clock.nowMs();
  let firstMs: number | null = null;
  const request = { ...SAMPLING, prompt: { kind: "text", text: asked.text }, maxTokens: asked.maxTokens } as const;
  try {
    for await (const piece of lease.engine.generate(request, signal)) {
      firstMs ??= clock.nowMs() - startedMs;
      if (piece.kind === "done") return { ttftMs: firstMs, done: piece };
    }
  } catch (error) {
    if (!signal.aborted) lease.reportFailure(error);
    throwIfAborted(signal);
    throw error;
  }
  throw new TandemError("provider", `${lease.engine.model.label} broke off its answer`, "Run it again");
}

const SAMPLING = { temperature: 0, topP: 1, repeatPenalty: 1, seed: 1, stop: [], shape: null } as const;

async function readingOf(
  { bench, length, tokensPerWord }: { readonly bench: Bench; readonly length: number; readonly tokensPerWord: number },
  signal: AbortSignal,
): Promise<Benchmark["prompts"][number]> {
  const answers = await inTurn(bench.params.repetitions, () =>
    bench.alone({ text: promptText(bench.seed(), length, tokensPerWord), maxTokens: 1 }, signal),
  );
  const rates = answers.map(({ done }) => perSecond(done.promptTokens - done.cachedTokens, done.prefillMs));
  return {
    promptTokens: Math.round(spreadOf(answers.map((it) => it.done.promptTokens)).median),
    askedTokens: length,
    ttftMs: spreadOf(answers.map((it) => it.ttftMs)),
    prefillPerSecond: spreadOf(rates),
  };
}

/** Null: no answer was long enough to tell. */
async function writingOf(bench: Bench, signal: AbortSignal): Promise<Benchmark["decode"]> {
  const { repetitions, completionTokens } = bench.params;
  const answers = await inTurn(repetitions, () =>
    bench.alone({ text: `${bench.seed()} ${ENDLESS}`, maxTokens: completionTokens }, signal),
  );
  const long = answers.filter(({ done }) => done.completionTokens >= LEAST_TOKENS && done.decodeMs > 0);
  if (long.length === 0) return null;
  return {
    completionTokens: Math.round(spreadOf(long.map((it) => it.done.completionTokens)).median),
    perSecond: spreadOf(long.map(({ done }) => perSecond(done.completionTokens, done.decodeMs))),
  };
}

async function batchOf(
  bench: Bench,
  requests: number,
  signal: AbortSignal,
): Promise<Benchmark["batches"][number] | null> {
  const runs = await inTurn(bench.params.repetitions, () => bench.together(requests, signal));
  const whole = runs.filter((it) => it !== null);
  if (whole.length === 0) return null;
  return { requests, tokensPerSecond: spreadOf(whole.map((it) => perSecond(it.tokens, it.tookMs))) };
}

/** One after the other. */
async function inTurn<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let nth = 0; nth < times; nth++) results.push(await work());
  return results;
}

function perSecond(tokens: number, ms: number): number {
  return tokens / (Math.max(ms, 0.001) / 1_000);
}
