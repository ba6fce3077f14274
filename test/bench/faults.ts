// What faults of a backend cost: `npm run bench:faults`. Every fault in every phase at every kind of server (llama-server's wire format is
// captured, vLLM's and Ollama's are documented), by both ways of asking, through the endpoint's real engine on a virtual clock: how it ends,
// how long that takes of its limit, whether text is lost or doubled, the circuit breaker after five such requests, sockets and slots left.
// Then a real llama-server as Tandem starts it, by batch size: how long after a cancel its slot is free, and what small batches cost.
// `--scripted` leaves the real one out; `--runs 20`, `--batches 128,64,32,8` change it. Fails when a row is not as specified.
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import type { Engine } from "../../server/ports.ts";
import { textRequest } from "../backends/ask.ts";
import { CASES, type FaultCase, type FaultResult, FLAVOURS, runFault, WAYS } from "../backends/faultMatrix.ts";
import { openLlama } from "../engine/openLlama.ts";
import { LONG_PROMPT } from "../engine/prompts.ts";

/** So soon a slot is to be free. */
const BAR_MS = 200;
const SETTLE_MS = 60_000;
const REQUESTS = 5;
const WIDTHS = [14, 20, 16, 11, 10, 12, 14, 8, 13, 6, 7, 6];

const { values } = parseArgs({
  options: {
    scripted: { type: "boolean", default: false },
    runs: { type: "string", default: "20" },
    batches: { type: "string", default: "128,64,32,8" },
  },
});

const wrong = await showMatrix();
if (!values.scripted) await showCancels(Number(values.runs), values.batches.split(",").map(Number));
if (wrong.length > 0) {
  process.stderr.write(`Not as specified:\n${wrong.join("\n")}\n`);
  process.exitCode = 1;
}

async function showMatrix(): Promise<string[]> {
  const wrong: string[] = [];
  const startedMs = performance.now();
  let virtualMs = 0;
  say(row(["phase", "fault", "outcome", "s, at most", "limit", "text", "breaker", "sockets", ...FLAVOURS]));
  for (const it of CASES) {
    const results: FaultResult[] = [];
    const marks: string[] = [];
    for (const flavour of FLAVOURS) {
      const ofFlavour: FaultResult[] = [];
      for (const way of WAYS) ofFlavour.push(await runFault(it, { flavour, way, requests: REQUESTS }));
      results.push(...ofFlavour);
      const here = ofFlavour.flatMap((result) =>
        result.wrong.map((what) => `${it.phase}, ${it.fault}, ${flavour}: ${what}`),
      );
      wrong.push(...here);
      marks.push(here.length === 0 ? "ok" : "WRONG");
    }
    virtualMs += results.reduce((sum, result) => sum + result.ms, 0);
    say(rowOf(it, results, marks));
  }
  const cells = CASES.length * FLAVOURS.length * WAYS.length;
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  say(
    `${cells} cells, ${cells - wrong.length} as specified; ${Math.round(virtualMs / 60_000)} minutes of their clock in ${seconds} s\n`,
  );
  return wrong;
}

function rowOf(it: FaultCase, results: readonly FaultResult[], marks: readonly string[]): string {
  const all = (of: (result: FaultResult) => string) => [...new Set(results.map(of))].join("/");
  return row([
    it.phase,
    it.fault,
    all((result) => result.outcome),
    (Math.max(...results.map((result) => result.ms)) / 1_000).toFixed(1),
    (it.limitMs / 1_000).toFixed(0),
    all((result) => (result.wrong.some((what) => what.startsWith("text")) ? "WRONG" : `${result.text.length}, intact`)),
    all((result) => result.breaker),
    all((result) => String(result.openSockets)),
    ...marks,
  ]);
}

async function showCancels(runs: number, batches: readonly number[]): Promise<void> {
  say(
    `A real llama-server on one thread, ${runs} cancels each; time until /slots shows it free; load of the machine ${load()}`,
  );
  say(row(["batch", "prefill t/s", "phase", "p50 ms", "p95 ms", "most ms", `within ${BAR_MS} ms`, "load"]));
  for (const batch of batches) {
    const extraArguments = ["--batch-size", String(batch), "--ubatch-size", String(batch)];
    await using engine = await openLlama({ options: { ...DEFAULT_OPTIONS, extraArguments } });
    const perSecond = await prefillPerSecond(engine);
    for (const phase of ["prefill", "decode"] as const) {
      const tookMs: number[] = [];
      for (let run = 0; run < runs; run++) tookMs.push(await cancelled(engine, phase, run));
      tookMs.sort((a, b) => a - b);
      const at = (share: number) => String(Math.round(tookMs[Math.ceil(share * runs) - 1] ?? Number.NaN));
      const within = tookMs.filter((ms) => ms <= BAR_MS).length;
      say(row([String(batch), perSecond.toFixed(0), phase, at(0.5), at(0.95), at(1), `${within}/${runs}`, load()]));
    }
  }
}

/** The better of two: other work on the machine only slows it down. */
async function prefillPerSecond(engine: Engine): Promise<number> {
  let best = 0;
  for (const nth of [1, 2])
    for await (const piece of engine.generate(textRequest(`${nth} ${LONG_PROMPT}`, { maxTokens: 1 }), never()))
      if (piece.kind === "done")
        best = Math.max(best, ((piece.promptTokens - piece.cachedTokens) * 1_000) / piece.prefillMs);
  return best;
}

/** Breaks a request off in the middle of its phase; gives the time from then until the slot was seen free. */
async function cancelled(engine: Engine, phase: "prefill" | "decode", run: number): Promise<number> {
  const controller = new AbortController();
  const isPrefill = phase === "prefill";
  const prompt = isPrefill ? `${run} of ${phase}, ${Math.random()}: ${LONG_PROMPT}` : "once upon a time";
  const stream = engine.generate(textRequest(prompt, { maxTokens: 400, seed: run }), controller.signal);
  const pieces = stream[Symbol.asyncIterator]();
  if (!isPrefill) for (let count = 0; count < 3 + (run % 5); count++) await pieces.next();
  const next = pieces.next();
  next.catch(() => undefined);
  // Somewhere in the prompt, which takes seconds.
  if (isPrefill) await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 500));
  const startedMs = performance.now();
  controller.abort();
  await next.catch(() => undefined);
  await engine.settle?.(AbortSignal.timeout(SETTLE_MS));
  return performance.now() - startedMs;
}

function never(): AbortSignal {
  return new AbortController().signal;
}

function load(): string {
  return loadavg()[0]?.toFixed(1) ?? "?";
}

function row(cells: readonly string[]): string {
  return cells
    .map((it, at) => it.padEnd(WIDTHS[at] ?? 8))
    .join(" ")
    .trimEnd();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
