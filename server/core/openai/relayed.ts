import type { Counted } from "./answer.ts";
import type { ReadChunk } from "./chunkReader.ts";

/** What a server reports of one answer, as far as it does. */
export interface Reported extends Counted {
  /** llama-server's `timings`; null where the server keeps none. */
  readonly prefillMs: number | null;
  readonly decodeMs: number | null;
}

/** The numbers in an answer or in the last chunks of one; null where there are none. */
export function reportOf(answer: Readonly<Record<string, unknown>>): Reported | null {
  const usage = fieldsOf(answer.usage);
  const timings = fieldsOf(answer.timings);
  const promptTokens = numberOf(usage?.prompt_tokens);
  const cachedTokens = cachedIn(answer) ?? 0;
  const read = promptTokens ?? sum(numberOf(timings?.prompt_n), cachedTokens);
  const written = numberOf(usage?.completion_tokens) ?? numberOf(timings?.predicted_n);
  if (read === null) return null;
  return {
    promptTokens: read,
    cachedTokens: Math.min(cachedTokens, read),
    completionTokens: written ?? 0,
    prefillMs: numberOf(timings?.prompt_ms),
    decodeMs: numberOf(timings?.predicted_ms),
  };
}

/** Tokens of the prompt that the server says it held already; null: it does not say. */
export function cachedIn({ usage, timings }: Readonly<Record<string, unknown>>): number | null {
  const details = fieldsOf(fieldsOf(usage)?.prompt_tokens_details);
  return numberOf(details?.cached_tokens) ?? numberOf(fieldsOf(timings)?.cache_n);
}

/** The same of the chunks that came together last, which count the answer where any do. */
export function cachedInLast(chunks: readonly ReadChunk[]): number | null {
  for (const { body } of chunks.toReversed()) {
    const cached = body && cachedIn(body);
    if (cached !== null) return cached;
  }
  return null;
}

/** Whether a chunk brings something of the answer, be it text, a thought or a part of a call. */
export function isWriting(chunk: Readonly<Record<string, unknown>>): boolean {
  return listOf(chunk.choices).some((it) => {
    const choice = fieldsOf(it);
    const delta = Object.entries(fieldsOf(choice?.delta) ?? {});
    return Boolean(choice?.text) || delta.some(([name, value]) => name !== "role" && Boolean(value));
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null ? { ...value } : null;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}

function sum(a: number | null, b: number): number | null {
  return a === null ? null : a + b;
}
