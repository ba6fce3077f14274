import type { Part } from "../core/cut.ts";
import { type AuditPrompts, createAuditPrompts } from "../core/prompts/audit.ts";
import { oneLine } from "../core/prompts/quoted.ts";
import {
  type Lines,
  readVerdict,
  VERDICT_SHAPE,
  VERDICT_TOKENS,
  type Verdict,
  withoutThoughts,
} from "../core/prompts/verdict.ts";
import type { AnswerShape, GenerateRequest } from "../ports.ts";
import type { EngineUse, Finding } from "../protocol/run.ts";
import type { Emit } from "../slot/state.ts";
import type { Carried } from "./carried.ts";

export interface Audited {
  readonly findings: readonly Finding[];
  /** Parts whose verdict could not be read; they count as not audited. */
  readonly unclear: number;
  /** Parts that were judged. */
  readonly parts: number;
  /** What the whole was found to be; null: it did not come to that, or the verdict could not be read. */
  readonly finalPass: "ok" | "flag" | null;
  readonly use: EngineUse;
}

export interface AuditInput {
  readonly auditor: Carried;
  readonly brief: string;
  /** The code before the draft. */
  readonly context: string;
  readonly parts: AsyncIterable<Part>;
  /** `ahead`: the task is read while the draft is being written; `afterwards`: the draft is there. */
  readonly reads: "ahead" | "afterwards";
  readonly emit: Emit;
  /** Findings that are explained at length; left out: as many as anybody reads. */
  readonly mostCritiques?: number;
  /** Hears of every verdict on a part, while the draft may still be being written. */
  readonly onVerdict?: (verdict: Verdict) => void;
}

/** An audit as far as it has come, which is all there is of it where it is broken off. */
export interface AuditSoFar {
  readonly now: Audited | null;
  /** Resolves when all is judged. Throws what breaks it off: the engine's failure, or what the signal stands for. */
  readonly done: Promise<void>;
}

const SHORT_ANSWER = { temperature: 0, topP: 1, repeatPenalty: 1, seed: 1, stop: [] };
/** Findings that are explained at length: more than that nobody reads before he accepts. */
const MOST_CRITIQUES = 3;
const CRITIQUE_TOKENS = 160;
const MOST_DETAIL = 1_200;

/**
 * Reads the task while the first part is being written, then judges the parts in order, each as soon as it is there; then the whole, which
 * costs little, since all of it was read; then explains what was found. Verdicts come before explanations, so that who does not wait for
 * the end has all verdicts.
 */
export function audit(input: AuditInput, signal: AbortSignal): AuditSoFar {
  const { auditor, brief, context, parts, reads } = input;
  const { promptStyle, isTrial } = auditor.lease.engine.model;
  const prompts = createAuditPrompts(promptStyle, brief, context);
  const ask = asking(auditor, signal);
  const work: Work = { input, prompts, ask, findings: [], unclear: 0, judged: 0, lines: 0, finalPass: null };

  async function all(): Promise<void> {
    if (reads === "ahead") await ask.for({ prompt: prompts.opening(), maxTokens: 1, shape: VERDICT_SHAPE });
    let isWhole = false;
    for await (const part of parts) {
      await judgePart(work, part);
      isWhole = part.isWhole;
    }
    if (work.judged > 0 && !isWhole) await judgeWhole(work);
    // A stand-in has nothing to explain.
    if (isTrial) return;
    for (const [at, finding] of work.findings.slice(0, input.mostCritiques ?? MOST_CRITIQUES).entries())
      await explain(work, finding, at);
  }

  return {
    get now() {
      const use = ask.used();
      const { findings, unclear, judged, finalPass } = work;
      return use && { findings: [...findings], unclear, parts: judged, finalPass, use };
    },
    done: all(),
  };
}

interface Work {
  readonly input: AuditInput;
  readonly prompts: AuditPrompts;
  readonly ask: Asking;
  readonly findings: Finding[];
  unclear: number;
  judged: number;
  /** Lines that were judged. */
  lines: number;
  finalPass: Audited["finalPass"];
}

async function judgePart(work: Work, part: Part): Promise<void> {
  const { emit, onVerdict } = work.input;
  const { number, fromLine, toLine, isWhole } = part;
  const verdict = await judge(work, work.prompts.next(part, isWhole ? "whole" : "part"), part);
  work.judged++;
  work.lines = toLine;
  if (verdict.kind === "unclear") work.unclear++;
  emit({ kind: "audited", part: number, fromLine, toLine, isOk: verdict.kind === "ok" });
  if (verdict.kind === "flag") note(work, verdict.finding);
  if (isWhole) work.finalPass = verdict.kind === "unclear" ? null : verdict.kind;
  onVerdict?.(verdict);
}

async function judgeWhole(work: Work): Promise<void> {
  const { prompts, lines, findings } = work;
  const verdict = await judge(work, prompts.final(lines), { fromLine: 1, toLine: lines });
  work.finalPass = verdict.kind === "unclear" ? null : verdict.kind;
  if (verdict.kind === "flag" && !findings.some((it) => it.line === verdict.finding.line)) note(work, verdict.finding);
}

async function judge({ prompts, ask }: Work, prompt: GenerateRequest["prompt"], about: Lines): Promise<Verdict> {
  const text = await ask.for({ prompt, maxTokens: VERDICT_TOKENS, shape: VERDICT_SHAPE });
  prompts.answered(text);
  return readVerdict(text, about);
}

function note({ findings, input }: Work, finding: Finding): void {
  findings.push(finding);
  input.emit({ kind: "finding", finding });
}

async function explain({ prompts, ask, findings, input }: Work, finding: Finding, at: number): Promise<void> {
  const text = await ask.for({ prompt: prompts.critique(finding), maxTokens: CRITIQUE_TOKENS, shape: null });
  prompts.answered(text);
  const detail = oneLine(withoutThoughts(text), MOST_DETAIL);
  if (detail === "") return;
  findings[at] = { ...finding, detail };
  input.emit({ kind: "critique", line: finding.line, detail });
}

interface Asking {
  for(question: {
    readonly prompt: GenerateRequest["prompt"];
    readonly maxTokens: number;
    readonly shape: AnswerShape | null;
  }): Promise<string>;
  /** All of it; null before the first answer. */
  used(): EngineUse | null;
}

function asking(auditor: Carried, signal: AbortSignal): Asking {
  const uses: EngineUse[] = [];
  return {
    async for(question) {
      let text = "";
      try {
        for await (const piece of auditor.generate({ ...SHORT_ANSWER, ...question }, signal)) {
          if (piece.kind === "over") text = "";
          if (piece.kind === "text") text += piece.text;
        }
      } finally {
        uses.push(auditor.used());
      }
      return text;
    },
    used() {
      const last = uses.at(-1);
      return last ? sum(uses, last) : null;
    },
  };
}

/** Several requests to engines as one, which is called after `last`. */
export function sum(uses: readonly EngineUse[], last: EngineUse): EngineUse {
  const add = (of: (use: EngineUse) => number) => uses.reduce((total, use) => total + of(use), 0);
  const decodeMs = add((it) => it.decodeMs);
  const completionTokens = add((it) => it.completionTokens);
  return {
    ...last,
    promptTokens: add((it) => it.promptTokens),
    completionTokens,
    ttftMs: uses[0]?.ttftMs ?? null,
    prefillMs: add((it) => it.prefillMs),
    decodeMs,
    tokensPerSecond: decodeMs > 0 ? completionTokens / (decodeMs / 1000) : null,
  };
}
