import type { ChatChunk, ChatCompletion, Completion, Usage } from "../../protocol/openai.ts";

/** What every chunk of an answer, and the whole of it, begin with. */
export interface AnswerHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

export type Finish = "stop" | "length";

/** What an engine wrote for one prompt. */
export interface Written {
  readonly text: string;
  readonly finish: Finish;
}

/** What an engine counted. */
export interface Counted {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

/** Tokens of all prompts of a request together. */
export function usageOf(counts: readonly Counted[]): Usage {
  const sum = (of: (it: Counted) => number) => counts.reduce((total, it) => total + of(it), 0);
  const prompt = sum((it) => it.promptTokens);
  const completion = sum((it) => it.completionTokens);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: sum((it) => it.cachedTokens) },
  };
}

/** One chunk of a chat: `{ role }` opens, `{ content }` goes on, `{}` with a reason ends. */
export function chatChunk(head: AnswerHead, delta: object, finish: Finish | null): ChatChunk {
  const choice = { index: 0, delta: { ...delta }, logprobs: null, finish_reason: finish };
  return { ...head, object: "chat.completion.chunk", choices: [choice] };
}

/** A whole chat completion. */
export function chatCompletion(head: AnswerHead, { text, finish }: Written, usage: Usage): ChatCompletion {
  const message = { role: "assistant", content: text, refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: finish };
  return { ...head, object: "chat.completion", choices: [choice], usage };
}

/** One chunk of the text that continues prompt number `index`. */
export function completionChunk(
  head: AnswerHead,
  index: number,
  { text, finish }: { readonly text: string; readonly finish: Finish | null },
): Completion {
  return { ...head, object: "text_completion", choices: [{ index, text, logprobs: null, finish_reason: finish }] };
}

/** A whole completion: one choice for each prompt. */
export function completion(head: AnswerHead, written: readonly Written[], usage: Usage): Completion {
  const choices = written.map(({ text, finish }, index) => ({ index, text, logprobs: null, finish_reason: finish }));
  return { ...head, object: "text_completion", choices, usage };
}
