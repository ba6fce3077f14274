import type { Part } from "../core/cut.ts";
import { createAuditPrompts, readVerdict, VERDICT_SHAPE, VERDICT_TOKENS } from "../core/prompts/audit.ts";
import type { Clock, GenerateRequest } from "../ports.ts";
import type { EngineUse, Finding } from "../protocol/run.ts";
import type { Lease } from "../slot/lease.ts";
import type { Emit } from "../slot/state.ts";
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

const SHORT_ANSWER = { temperature: 0, topP: 1, repeatPenalty: 1, seed: 1, stop: [], shape: VERDICT_SHAPE };

/** Reads the task while the first part is being written, then judges the parts in order, each as soon as it is there. */
export async function audit(
  { lease, brief, context, parts, clock, emit }: AuditInput,
  signal: AbortSignal,
): Promise<Audited> {
  const prompts = createAuditPrompts(lease.engine.model.promptStyle, brief, context);
  const findings: Finding[] = [];
  const uses: EngineUse[] = [];
  let unclear = 0;
  let count = 0;
  const ask = async (prompt: GenerateRequest["prompt"], maxTokens: number): Promise<string> => {
    const meter = createMeter(lease, clock);
    let text = "";
    for await (const piece of lease.engine.generate({ ...SHORT_ANSWER, prompt, maxTokens }, signal)) {
      meter.see(piece);
      if (piece.kind === "text") text += piece.text;
    }
    uses.push(meter.finish());
    return text;
  };
  await ask(prompts.opening(), 1);
  for await (const part of parts) {
    count++;
    const text = await ask(prompts.next(part), VERDICT_TOKENS);
    prompts.answered(text);
    const verdict = readVerdict(text, part);
    if (verdict.kind === "unclear") unclear++;
    emit({
      kind: "audited",
      part: part.number,
      fromLine: part.fromLine,
      toLine: part.toLine,
      isOk: verdict.kind === "ok",
    });
    if (verdict.kind === "flag") {
      findings.push(verdict.finding);
      emit({ kind: "finding", finding: verdict.finding });
    }
  }
  return { findings, unclear, parts: count, use: sum(uses, lease) };
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
