import type { AnswerHead } from "./core/openai/answer.ts";
import type { ReadChunk } from "./core/openai/chunkReader.ts";

/** A request in OpenAI's shape; the engine puts its own model's name in place of `model`. */
export interface RelayRequest {
  readonly path: "/chat/completions" | "/completions" | "/embeddings";
  readonly body: Readonly<Record<string, unknown>>;
  /** The model's name in the chunks of a stream. Left out: as the server calls it. */
  readonly answersAs?: string;
  /** Goes on in an answer that was streamed elsewhere: only what is new comes, in chunks under its head. Only where `relayGoesOn`. */
  readonly goesOn?: { readonly text: string; readonly head: Partial<AnswerHead> };
  /** As in `GenerateRequest`. */
  readonly deadlineMs?: number;
  readonly hasSuccessor?: boolean;
}

/**
 * What the server behind it said: one JSON value, or the chunks of a stream, without `[DONE]`: those together that came together. Nothing
 * more is read from the server while they are not taken.
 */
export type RelayReply =
  | { readonly kind: "whole"; readonly body: unknown }
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<readonly ReadChunk[]> };

/** Takes chunks of an answer as JSON: who only writes them on is spared from making them again. */
export interface ChunkSink {
  send(json: string): void;
  /** Null: there is room for more; otherwise it is waited for, so that a reader who is slow, or stalls, holds up who writes. Never rejects. */
  room(): Promise<void> | null;
}

/** Throws TandemError when the server refuses; `details.status` is its HTTP status and `details.body` what it said, where it was JSON. */
export type Relay = (request: RelayRequest, signal: AbortSignal) => Promise<RelayReply>;
