import { sourceKey } from "../core/assign.ts";
import { findNamed } from "../core/openai/named.ts";
import type { EngineView } from "../core/route.ts";
import { TandemError } from "../errors.ts";
import type { Benchmark, BenchParams } from "../protocol/benchmark.ts";
import type { EngineStatus } from "../protocol/status.ts";
import type { BenchDeps, EmitBench } from "./benchmarkDeps.ts";
import { type Loaded, loadTwice } from "./benchmarkLoad.ts";
import { measure } from "./benchmarkMeasure.ts";

/** Measures one model after the other; what one costs the others is said, and what can be is kept of those that came before a failure. */
export async function benchmark(
  params: BenchParams,
  deps: BenchDeps,
  emit: EmitBench,
  signal: AbortSignal,
): Promise<{ benchmarks: Benchmark[] }> {
  const benchmarks: Benchmark[] = [];
  for (const engine of enginesOf(params.models, deps)) {
    const found = await one(engine, { params, deps, emit }, signal);
    benchmarks.push(found);
    emit({ kind: "benchmarked", benchmark: found });
  }
  return { benchmarks };
}

interface Within {
  readonly params: BenchParams;
  readonly deps: BenchDeps;
  readonly emit: EmitBench;
}

async function one(id: string, { params, deps, emit }: Within, signal: AbortSignal): Promise<Benchmark> {
  const loaded: Loaded = await loadTwice(id, { params, deps, emit }, signal);
  const { engine, load } = loaded;
  const found = await measure({ id, engine, params, deps, emit }, signal);
  const { model, device, slots } = engine;
  const status = deps.scheduler.status().find((it) => it.id === id);
  const made: Benchmark = {
    ...{ atMs: deps.stamp().atMs, engine: id, model, device, slots, load, ...found },
    backend: backendOf(id, deps),
    cards: cardsOf(status),
    notices: [...loaded.notices, ...found.notices],
  };
  deps.keep(id, engine, made);
  return made;
}

/** Those that are named, else those that write by the client's settings; one that has two roles once. Throws TandemError. */
function enginesOf(models: readonly string[], deps: BenchDeps): string[] {
  const { scheduler } = deps;
  if (models.length > 0) return [...new Set(models.map((it) => engineFor(it, deps)))];
  const seen = new Set<string>();
  // What is in the cloud costs money and is measured only for who names it.
  const writing = scheduler.snapshot().filter((it) => !it.isCloud && it.roles.some((role) => role !== "embed"));
  const distinct = writing.filter(({ id }) => {
    const source = scheduler.sourceOf(id);
    const key = source ? sourceKey(source, 0) : id;
    return !seen.has(key) && seen.add(key);
  });
  if (distinct.length > 0) return distinct.map((it) => it.id);
  throw new TandemError("not-configured", "No engine is set up", "Leave the model at auto, or give an endpoint");
}

function engineFor(model: string, { scheduler, pin, openable }: BenchDeps): string {
  const known = findNamed(scheduler.snapshot(), model, "write");
  if (known && !isEmbedder(known)) return known.id;
  const pinned = known ? null : pin(model, "write");
  if (pinned !== null) return pinned;
  const names = scheduler.snapshot().map((it) => it.model.id);
  throw new TandemError(
    "bad-input",
    known ? `${model} makes vectors and writes no text` : `There is no model "${model}"`,
    `Name one of: ${[...new Set([...names, ...openable])].join(", ")}; or file: and the path of a GGUF`,
    { details: { param: "models" } },
  );
}

function isEmbedder({ roles }: EngineView): boolean {
  return roles.length > 0 && roles.every((it) => it === "embed");
}

function backendOf(id: string, { scheduler }: BenchDeps): Benchmark["backend"] {
  const source = scheduler.sourceOf(id);
  if (source?.kind === "embedded") return source.llamaServer === "" ? "embedded" : "llama-server";
  return source?.kind ?? "endpoint";
}

function cardsOf(status: EngineStatus | undefined): string[] {
  return status?.memory.filter((it) => it.device !== "cpu" && it.bytes > 0).map((it) => it.device) ?? [];
}

/** What routing takes from it: the longest prompt's rate, as most of a task's prompt is long. */
export function ratesOf({ prompts, decode, load }: Benchmark) {
  return {
    prefillPerSecond: prompts.at(-1)?.prefillPerSecond.median ?? null,
    decodePerSecond: decode?.perSecond.median ?? null,
    loadMs: load.againMs ?? load.firstMs,
  };
}
