import type { ChatMessage, GenerateRequest } from "../ports.ts";
import type { Action } from "../protocol/run.ts";
import type { Range } from "../protocol/source.ts";
import type { Extraction } from "./extract.ts";

/** Where the draft goes: it replaces `range`, with `lead` before and `tail` behind what the model writes. */
export interface Placement {
  readonly uri: string;
  readonly version: number | null;
  readonly range: Range;
  readonly before: string;
  readonly isNewFile: boolean;
  /** The text `range` counts in; "" for a new file. */
  readonly text: string;
  readonly languageId: string;
}

/** Everything one draft needs, decided before a token is asked for. */
export interface DraftJob {
  readonly kind: "job";
  readonly prompt: GenerateRequest["prompt"];
  readonly stop: readonly string[];
  readonly maxTokens: number;
  readonly repeatPenalty: number;
  readonly extraction: Extraction;
  /** Text of the draft that stands before the model's first word: it was forced upon the model. */
  readonly lead: string;
  readonly tail: string;
  /** Null for answers in prose. */
  readonly place: Placement | null;
  /** Characters that stand for others in the prompt, and which; what the model writes is changed back. Left out: none. */
  readonly unveil?: Readonly<Record<string, string>>;
  /** What an auditor is told the draft is for. */
  readonly brief: string;
}

/** A test file a test is to go into. `text` is null when it does not exist yet. */
export interface Companion {
  readonly uri: string;
  readonly text: string | null;
  readonly languageId: string;
  /** How the tests import what they test, relative to the test file. */
  readonly importPath: string;
  readonly framework: string;
}

/** 0.2 where there is a right answer, 0.7 where there are many; 0.9 is never right for code. */
export const TEMPERATURE: Record<Action, number> = {
  docstring: 0.2,
  explain: 0.7,
  refactor: 0.2,
  fix: 0.2,
  test: 0.2,
  implement: 0.2,
  ask: 0.7,
};

/** A rough count that errs on the high side: code runs at about 3.5 characters a token in today's vocabularies. */
export function estimateTokens(text: string): number {
  return Math.ceil(text.length / 3.2);
}

export function promptLength(prompt: GenerateRequest["prompt"]): number {
  return estimateTokens(
    prompt.kind === "text" ? prompt.text : prompt.messages.map((it: ChatMessage) => it.content).join("\n"),
  );
}

/** The lines that end at `offset`, at most `limit` characters of them, beginning at a line's start. */
export function linesBefore(text: string, offset: number, limit: number): string {
  const from = Math.max(0, offset - limit);
  if (from === 0) return text.slice(0, offset);
  const lineBreak = text.indexOf("\n", from);
  return lineBreak === -1 || lineBreak >= offset ? "" : text.slice(lineBreak + 1, offset);
}

/** The lines that begin at `offset`, at most `limit` characters of them, ending at a line's end. */
export function linesAfter(text: string, offset: number, limit: number): string {
  const to = offset + limit;
  if (to >= text.length) return text.slice(offset);
  const lineBreak = text.lastIndexOf("\n", to);
  return lineBreak <= offset ? "" : text.slice(offset, lineBreak);
}
