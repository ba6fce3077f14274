import type { ToChild, WireRequest } from "../engine/wire.ts";
import type { EngineSpec } from "../engineSpec.ts";
import type { GenerateRequest } from "../ports.ts";
import type { Pin } from "./pin.ts";
import { openTurn } from "./wireBody.ts";

export interface Opening {
  readonly spec: Extract<EngineSpec, { kind: "embedded" }>;
  readonly pin: Pin;
  readonly cardNames: readonly string[];
}

/** What an engine child is told to load, and how. */
export function loadMessage(
  { spec, pin, cardNames }: Opening,
  builds: string | null,
): Extract<ToChild, { kind: "load" }> {
  const { path, threads, contextTokens, use, options } = spec;
  const { keyType, valueType, flashAttention, gpuLayers } = options;
  return {
    ...{ kind: "load", path, gpu: pin.gpu, threads, contextTokens, use, builds },
    options: { keyType, valueType, flashAttention, gpuLayers },
    cardNames: [...cardNames],
  };
}

/** A request as it crosses the process border. */
export function wireRequest(request: GenerateRequest): WireRequest {
  const { shape, prompt, stop, continues = "", deadlineMs: _, hasSuccessor: _other, ...sampling } = request;
  const copied = withContinued(prompt, continues);
  return { ...sampling, prompt: copied, stop: [...stop], grammar: shape?.gbnf ?? null };
}

/** An answer that goes on stands in the model's own turn, which the child leaves open. */
function withContinued(prompt: GenerateRequest["prompt"], continues: string): WireRequest["prompt"] {
  if (prompt.kind === "text") return { kind: "text", text: prompt.text + continues };
  const messages = continues === "" ? prompt.messages : openTurn(prompt.messages, continues);
  return { kind: "chat", messages: messages.map((message) => ({ ...message })) };
}
