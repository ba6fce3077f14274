import type { EngineSpec } from "../../server/engineSpec.ts";
import { abortError, TandemError } from "../../server/errors.ts";
import type { Embeddings, Engine, GenerateRequest, OpenEngine, Piece } from "../../server/ports.ts";
import { piecesOf, type Script } from "./openaiScript.ts";

/** Local engines as the orchestrator sees them, without a model: what they were opened with and asked for, and what they answer. */
export interface FakeEngines {
  readonly open: OpenEngine;
  readonly opened: readonly Local[];
  readonly closed: readonly string[];
  readonly requests: readonly GenerateRequest[];
  /** Texts of each call for vectors. */
  readonly batches: readonly (readonly string[])[];
}

export interface FakeEnginesOptions {
  /** No build of theirs can use a GPU: they run on the processor, whatever they are told. */
  readonly hasNoGpu?: true;
  readonly reply?: (
    request: GenerateRequest,
    signal: AbortSignal,
  ) => string | Pick<Script, "text" | "beforePiece" | "finish">;
  /** The vector of one text. Left out, the engines make none. */
  readonly vector?: (text: string) => readonly number[];
}

type Local = Extract<EngineSpec, { path: string }>;

export function fakeEngines({ reply = () => "ok", vector, hasNoGpu }: FakeEnginesOptions): FakeEngines {
  const made = {
    opened: [] as Local[],
    closed: [] as string[],
    requests: [] as GenerateRequest[],
    batches: [] as (readonly string[])[],
  };
  async function* generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
    made.requests.push(request);
    const answer = reply(request, signal);
    const script: Script = typeof answer === "string" ? { text: answer } : answer;
    const all = piecesOf(script);
    const pieces = all.slice(0, request.maxTokens);
    for (const [index, text] of pieces.entries()) {
      await Promise.race([script.beforePiece?.(index), fired(signal)]);
      if (signal.aborted) throw abortError(signal);
      yield { kind: "text", text };
    }
    const finish = script.finish ?? (pieces.length < all.length ? "length" : "stop");
    const counts = { promptTokens: 11, cachedTokens: 3, completionTokens: pieces.length };
    yield { kind: "done", finish, ...counts, prefillMs: 10, decodeMs: 20 };
  }
  async function embed(make: NonNullable<typeof vector>, texts: readonly string[]): Promise<Embeddings> {
    made.batches.push(texts);
    return { vectors: texts.map(make), promptTokens: texts.length };
  }
  const open: OpenEngine = async (spec) => {
    if (spec.kind === "endpoint" || spec.kind === "vllm")
      throw new TandemError("provider", "These are local engines", "Set no endpoint");
    made.opened.push(spec);
    const engine: Engine = {
      model: spec.model,
      device: hasNoGpu ? "cpu" : spec.device,
      slots: 1,
      pid: null,
      generate,
      serves: [],
      relay: null,
      embed: vector && spec.use === "embed" ? (texts) => embed(vector, texts) : null,
      gone: new Promise<string>(() => {}),
      held: null,
      trim: null,
      placement: null,
      async [Symbol.asyncDispose]() {
        made.closed.push(spec.model.id);
      },
    };
    return engine;
  };
  return { ...made, open };
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
