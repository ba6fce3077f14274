import type { AnswerHead } from "../core/openai/answer.ts";
import type { ReadChunk } from "../core/openai/chunkReader.ts";
import { isWriting } from "../core/openai/relayed.ts";

/** What went out of a stream. */
export interface StreamedOut {
  /** Of its first chunk, by which the client knows it; null: nothing did. */
  readonly head: Partial<AnswerHead> | null;
  readonly text: string;
  readonly tokens: number;
  /** What is no text, such as thoughts. */
  readonly hasOther: boolean;
  see(chunk: ReadChunk): void;
}

export function createOut(): StreamedOut {
  let head: Partial<AnswerHead> | null = null;
  let text = "";
  let tokens = 0;
  let hasOther = false;
  return {
    get head() {
      return head;
    },
    get text() {
      return text;
    },
    get tokens() {
      return tokens;
    },
    get hasOther() {
      return hasOther;
    },
    see(chunk) {
      head ??= headOf(chunk.body ?? {});
      text += chunk.text;
      if (chunk.text !== "") tokens++;
      else hasOther ||= chunk.body === null || isWriting(chunk.body);
    },
  };
}

function headOf({ id, created, model }: Readonly<Record<string, unknown>>): Partial<AnswerHead> {
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof created === "number" ? { created } : {}),
    ...(typeof model === "string" ? { model } : {}),
  };
}
