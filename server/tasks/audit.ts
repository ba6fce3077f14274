import type { Part } from "../core/cut.ts";
import { createAuditPrompts, readVerdict, VERDICT_SHAPE, VERDICT_TOKENS } from "../core/prompts/audit.ts";
import type { Clock } from "../ports.ts";
import type { EngineUse, Finding } from "../protocol/run.ts";
import type { Emit, Lease } from "../scheduler.ts";
import { createMeter } from "./write.ts";

export interface Audited {
  readonly findings: readonly Finding[];
  /** Parts whose verdict could not be read; they count as not audited. */
  readonly unclear: number;
  readonly parts: number;
  readonly use: EngineUse;
}

export interface AuditInput {
  readonly lease: Lease;
  readonly brief: string;
  /** The code around the draft. */
  readonly context: string;
  readonly parts: AsyncIterable<Part>;
  readonly clock: Clock;
  readonly emit: Emit;
}

/** Judges the parts of one draft in order, each as soon as it is there. */
export async function audit({ lease, brief, context, parts, clock, emit }: AuditInput, signal: AbortSignal): Promise<Audited> {
  const prompts = createAuditPrompts(lease.engine.model.promptStyle, brief, context);
  const findings: Finding[] = [];
  const uses: EngineUse[] = [];
  let unclear = 0;
  for await (const part of parts) {
    const meter = createMeter(lease, clock);
    const request = { prompt: prompts.next(part), maxTokens: VERDICT_TOKENS, temperature: 0, topP: 1, repeatPenalty: 1, seed: 1, stop: ["\n"], shape: VERDICT_SHAPE };
    let text = "";
    for await (const piece of lease.engine.generate(request, signal)) {
      meter.see(piece);
      if (piece.kind === "text") text += piece.text;
    }
    prompts.answered(text);
    uses.push(meter.finish());
    const verdict = readVerdict(text, part);
    if (verdict.kind === "unclear") unclear++;
    emit({ kind: "audited", part: part.number, fromLine: part.fromLine, toLine: part.toLine, isOk: verdict.kind === "ok" });
    if (verdict.kind === "flag") {
      findings.push(verdict.finding);
      emit({ kind: "finding", finding: verdict.finding });
    }
  }
  return { findings, unclear, parts: uses.length, use: sum(uses, lease) };
}

/** Several requests to one engine as one. */
export function sum(uses: readonly EngineUse[], lease: Lease): EngineUse {
  const add = (of: (use: EngineUse) => number) => uses.reduce((total, use) => total + of(use), 0);
  const decodeMs = add((it) => it.decodeMs);
  const completionTokens = add((it) => it.completionTokens);
  return {
    model: lease.engine.model,
    device: lease.engine.device,
    promptTokens: add((it) => it.promptTokens),
    completionTokens,
    ttftMs: uses[0]?.ttftMs ?? null,
    prefillMs: add((it) => it.prefillMs),
    decodeMs,
    tokensPerSecond: decodeMs > 0 ? completionTokens / (decodeMs / 1000) : null,
  };
}
