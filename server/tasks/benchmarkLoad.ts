import type { Engine } from "../ports.ts";
import type { Benchmark, BenchParams } from "../protocol/benchmark.ts";
import type { RunEvent } from "../protocol/run.ts";
import type { BenchDeps, EmitBench } from "./benchmarkDeps.ts";

export interface Loaded {
  readonly engine: Engine;
  readonly load: Benchmark["load"];
  readonly notices: readonly string[];
}

interface Given {
  readonly params: BenchParams;
  readonly deps: BenchDeps;
  readonly emit: EmitBench;
}

/** Loads the engine if it is not there, and once more where nobody is troubled by it. */
export async function loadTwice(id: string, given: Given, signal: AbortSignal): Promise<Loaded> {
  const first = await open(id, given, signal);
  const why = whyNotAgain(id, given, first.engine);
  const load = { firstMs: first.tookMs, againMs: null, why };
  if (why !== null) return { engine: first.engine, load, notices: first.notices };
  given.emit({ kind: "notice", message: `${first.engine.model.label} is unloaded, and loaded once more` });
  await given.deps.scheduler.user.unload(id, signal);
  const again = await open(id, given, signal);
  // Somebody's request came in between, and had it loaded already.
  if (again.tookMs === null) return { ...again, load: { ...load, why: "somebody else's request loaded it" } };
  return { ...again, load: { ...load, againMs: again.tookMs } };
}

async function open(id: string, { deps, emit }: Given, signal: AbortSignal) {
  let tookMs: number | null = null;
  const notices: string[] = [];
  const hear = (event: RunEvent) => {
    if (event.kind === "ready") tookMs = event.tookMs;
    if (event.kind === "notice") notices.push(event.message);
    emit(event);
  };
  using lease = await deps.scheduler.acquire(id, hear, signal);
  return { engine: lease.engine, tookMs: tookMs as number | null, notices };
}

/** Null: nothing speaks against unloading it. */
function whyNotAgain(id: string, { params, deps }: Given, engine: Engine): string | null {
  if (params.load === "leave") return "it was to be left as it is";
  if (deps.scheduler.sourceOf(id)?.kind === "endpoint") return "it is a server's, which loads its models itself";
  const status = deps.scheduler.status().find((it) => it.id === id);
  if (!status) return "it is no longer there";
  if (status.isPinned) return "it is pinned";
  if (status.isBusy || status.queued > 0) return "others use it at the moment";
  if (status.users > deps.ownUsers) return "other clients have it in their settings";
  return engine.pid === null ? "its process is not ours" : null;
}
