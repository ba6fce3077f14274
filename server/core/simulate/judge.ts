import { waitBoundMs } from "../govern/bound.ts";
import { GOVERN_RULES } from "../govern/rules.ts";
import type { Outcome, Turn } from "./run.ts";
import type { Trace } from "./trace.ts";

/** How long requests waited. */
export interface Waits {
  readonly meanMs: number;
  readonly p95Ms: number;
  readonly longestMs: number;
  /** What the one that came nearest to its bound could have waited at most, and which that was; null: none had a turn. */
  readonly nearest: { readonly name: string; readonly waitedMs: number; readonly boundMs: number } | null;
}

export function waitsOf(trace: Trace, { turns }: Outcome): Waits {
  const waits = turns.map((it) => it.grantedMs - it.atMs).sort((a, b) => a - b);
  const sum = waits.reduce((total, it) => total + it, 0);
  const bounded = turns.map((it) => {
    const waitedMs = it.grantedMs - it.atMs;
    return { name: it.name, waitedMs, boundMs: boundOf(trace, turns, it) };
  });
  const nearest = bounded.reduce<(typeof bounded)[number] | null>(
    (most, it) => (most === null || it.waitedMs / it.boundMs > most.waitedMs / most.boundMs ? it : most),
    null,
  );
  return {
    meanMs: waits.length === 0 ? 0 : sum / waits.length,
    p95Ms: waits[Math.min(waits.length - 1, Math.floor(waits.length * 0.95))] ?? 0,
    longestMs: waits.at(-1) ?? 0,
    nearest,
  };
}

/** The stated bound for one request, with all that went before it on the same model while it waited. */
export function boundOf(trace: Trace, turns: readonly Turn[], turn: Turn): number {
  const most = (seconds: readonly number[]) => Math.max(0, ...seconds) * 1_000;
  const ahead = turns.filter(
    (it) => it !== turn && it.key === turn.key && it.grantedMs >= turn.atMs && it.grantedMs <= turn.grantedMs,
  );
  return waitBoundMs({
    rules: { ...GOVERN_RULES, ...trace.rules },
    rivals: trace.models.length - 1,
    ahead: ahead.length,
    slots: trace.models.find((it) => it.key === turn.key)?.slots ?? 1,
    serviceMs: most(trace.requests.map((it) => it.serviceSeconds)),
    loadMs: most(trace.models.map((it) => it.loadSeconds)),
    unloadMs: most(trace.models.map((it) => it.unloadSeconds)),
    readingMs: 1_000,
    priority: turn.priority,
  });
}
