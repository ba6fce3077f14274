import type { Engine, GenerateRequest, Piece } from "../../server/ports.ts";

/** A request with everything plain; a test changes what it is about. */
export function textRequest(text: string, changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return {
    prompt: { kind: "text", text },
    maxTokens: 64,
    temperature: 0,
    topP: 1,
    repeatPenalty: 1,
    seed: null,
    stop: [],
    shape: null,
    ...changes,
  };
}

export function chatRequest(content: string, changes: Partial<GenerateRequest> = {}): GenerateRequest {
  return { ...textRequest("", changes), prompt: { kind: "chat", messages: [{ role: "user", content }] } };
}

/** What a caller sees of one generation. */
export interface Heard {
  readonly text: string;
  readonly pieces: readonly string[];
  readonly done: Extract<Piece, { kind: "done" }>;
}

export async function ask(
  engine: Engine,
  request: GenerateRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<Heard> {
  const pieces: string[] = [];
  let done: Heard["done"] | null = null;
  for await (const piece of engine.generate(request, signal)) {
    if (done !== null) throw new Error("something came after `done`");
    if (piece.kind === "text") pieces.push(piece.text);
    else done = piece;
  }
  if (done === null) throw new Error("the stream ended without `done`");
  return { text: pieces.join(""), pieces, done };
}
