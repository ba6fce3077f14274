// What a person waits for his first token while background work takes every turn: `npm run bench:preempt`. The real orchestrator behind its
// real door; the engine is a scripted llama-server with one slot that reads 2,000 and writes 100 tokens a second, in real time. Background
// work is `tandem bench` of that engine without end. Rounds are interleaved: nothing else at work, background work that gives way, and
// background work that does not. Then the same beside work on another model of the same device, whose speed both share. Fails where giving
// way costs a person more than half a second, or gains less than four times.
import { setTimeout as wait } from "node:timers/promises";
import { GOVERN_RULES, type GovernRules } from "../../server/core/govern/rules.ts";
import { bench } from "../../server/protocol/benchmark.ts";
import { generate } from "../../server/protocol/requests.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator, type TestClient } from "../server/orchestrator.ts";
import { answersBeside } from "./preemptBeside.ts";

const PREFILL_PER_SECOND = 2_000;
const DECODE_PER_SECOND = 100;
const BENCH_TOKENS = 300;
const ASKED = 6;
const ROUNDS = 2;
const MOST_MS = 500;
const LEAST_GAIN = 4;

const ways = [
  { name: "nothing else", hasWork: "no", rules: GOVERN_RULES },
  { name: "background work, gives way", hasWork: "yes", rules: GOVERN_RULES },
  { name: "background work, does not", hasWork: "yes", rules: { ...GOVERN_RULES, mostBackgroundPreemptions: 0 } },
] as const satisfies readonly { name: string; hasWork: "yes" | "no"; rules: GovernRules }[];

interface Seen {
  readonly firstMs: number[];
  /** Words that the engine wrote while there was background work, per second. */
  readonly workPerSecond: number[];
}

const seen = new Map<string, Seen>(ways.map(({ name }) => [name, { firstMs: [], workPerSecond: [] }]));
for (let round = 0; round < ROUNDS; round++)
  for (const way of ways) {
    const { firstMs, workPerSecond } = await measure(way);
    seen.get(way.name)?.firstMs.push(...firstMs);
    seen.get(way.name)?.workPerSecond.push(workPerSecond);
  }

say(["a person's first token with", "p50", "p90", "longest", "words/s"]);
for (const [name, { firstMs, workPerSecond }] of seen)
  say([name, ...[0.5, 0.9, 1].map((it) => `${quantile(firstMs, it).toFixed(0)} ms`), mean(workPerSecond).toFixed(0)]);
const [, gives, keeps] = [...seen.values()].map(({ firstMs }) => quantile(firstMs, 0.5));
const gain = (keeps ?? 0) / (gives ?? 1);
process.stdout.write(`gain at the median: ${gain.toFixed(1)} times\n`);
process.stdout.write("\n");
say(["a person's 40 words beside work", "p50", "longest"]);
for (const { name, hasWork } of ways) {
  const besideInteractive = name.endsWith("does not") ? "runs" : "waits";
  const tookMs = await answersBeside(hasWork, { ...GOVERN_RULES, besideInteractive });
  say([`${name} (other model)`, ...[0.5, 1].map((it) => `${quantile(tookMs, it).toFixed(0)} ms`)]);
}
if ((gives ?? 0) > MOST_MS || gain < LEAST_GAIN) {
  process.stderr.write("Background work makes a person wait\n");
  process.exitCode = 1;
}

async function measure({ hasWork, rules }: (typeof ways)[number]) {
  let words = 0;
  await using fake = await startFakeLlama({
    reply: ({ body }) => ({
      text: "word ".repeat(Number(body.max_tokens ?? BENCH_TOKENS)),
      beforePiece: async () => void words++,
    }),
    slots: 1,
    pace: {
      prefillPerSecond: PREFILL_PER_SECOND,
      decodePerSecond: DECODE_PER_SECOND,
      wait: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}).catch(() => undefined),
    },
  });
  await using orchestrator = await startOrchestrator({ rules: () => rules });
  const settings = { draft: { endpoint: fake.url }, auditWhen: "never" } as const;
  const [person, program] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  // The engine is attached to, and the code of the task is read.
  await firstToken(person);
  const stop = new AbortController();
  const before = words;
  const work = hasWork === "yes" ? workUntil(program, stop.signal) : null;
  const startedMs = performance.now();
  const firstMs: number[] = [];
  for (let nth = 0; nth < ASKED; nth++) {
    await wait(700 + 90 * nth);
    firstMs.push(await firstToken(person));
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  stop.abort();
  await work;
  return { firstMs, workPerSecond: hasWork === "yes" ? (words - before) / seconds : 0 };
}

async function firstToken(person: TestClient): Promise<number> {
  const startedMs = performance.now();
  let firstMs: number | null = null;
  const params = { ...generate.params.parse({ prompt: "Say a word", maxTokens: 8 }) };
  await person.send(generate, params, {
    onEvent: (event) => {
      if (event.kind === "draft") firstMs ??= performance.now() - startedMs;
    },
  });
  return firstMs ?? Number.POSITIVE_INFINITY;
}

async function workUntil(program: TestClient, signal: AbortSignal): Promise<void> {
  const params = { promptTokens: [256], completionTokens: BENCH_TOKENS, repetitions: 5 };
  while (!signal.aborted)
    await program.send(bench, params, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
}

function quantile(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function mean(all: readonly number[]): number {
  return all.reduce((sum, it) => sum + it, 0) / all.length;
}

function say(cells: readonly (string | number)[]): void {
  const [first, ...rest] = cells;
  process.stdout.write(`${String(first).padEnd(42)}${rest.map((it) => String(it).padStart(12)).join("")}\n`);
}
