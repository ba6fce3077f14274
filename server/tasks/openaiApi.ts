import type { AnswerHead, Finish, Written } from "../core/openai/answer.ts";
import type { Asked } from "../core/openai/ask.ts";
import type { Weighed } from "../core/openai/weigh.ts";
import type { Refusal } from "../core/refusal.ts";
import type { Usage } from "../protocol/openai.ts";
import type { RelayRequest } from "../relaying.ts";
import type { EmitDecision } from "./openaiEngine.ts";

/** One of OpenAI's two ways to ask for text, and the shapes of its answers. */
export interface Api<Chunk, Whole> {
  readonly method: string;
  readonly path: RelayRequest["path"];
  readonly idPrefix: string;
  /** What a server answered; null when it is not in OpenAI's shape. */
  readChunk(given: unknown): Chunk | null;
  readWhole(given: unknown): Whole | null;
  /** What a stream begins with, before any text; null: with text. */
  opening(head: AnswerHead): Chunk | null;
  text(head: AnswerHead, index: number, text: string): Chunk;
  ending(head: AnswerHead, index: number, finish: Finish): Chunk;
  /** The chunk after the last, for who asked for it. */
  counted(head: AnswerHead, usage: Usage): Chunk;
  whole(head: AnswerHead, written: readonly Written[], usage: Usage): Whole;
}

export interface TextRequest<Chunk, Whole> {
  readonly api: Api<Chunk, Whole>;
  readonly body: RelayRequest["body"] & {
    readonly model: string;
    readonly stream?: boolean | null | undefined;
    readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
  };
  readonly weighed: Weighed;
  /** The same in an embedded engine's terms. */
  readonly asked: Asked | Refusal;
}

export type TextResult<Whole> = { kind: "whole"; body: Whole } | { kind: "streamed"; usage: Usage | null };

/** How a task of this kind reports: what `openaiEngine` does, and chunks. */
export interface TextEmit<Chunk> {
  readonly event: EmitDecision;
  readonly chunk: (chunk: Chunk) => void;
}
