import type { AnswerHead } from "../core/openai/answer.ts";
import type { ReadChunk } from "../core/openai/chunkReader.ts";

/** What went out of a stream. */
export interface StreamedOut {
  /** Of its first chunk, by which the client knows it; null: nothing did. */
  readonly head: Partial<AnswerHead> | null;
  readonly text: string;
  readonly tokens: number;
  see(chunk: ReadChunk): void;
}

export function createOut(): StreamedOut {
  let head: Partial<AnswerHead> | null = null;
  let text = "";
  let tokens = 0;
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
    see(chunk) {
      head ??= headOf(chunk.body ?? {});
      text += chunk.text;
      if (chunk.text !== "") tokens++;
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
