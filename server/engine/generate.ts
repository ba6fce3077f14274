import type { LlamaGrammar, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { TandemError } from "../errors.ts";
import type { Loaded } from "./load.ts";
import { prefill } from "./prefill.ts";
import { promptTokens } from "./promptTokens.ts";
import { createStopCut } from "./stopCut.ts";
import { createTokenText } from "./tokenText.ts";
import type { FromChild, WireRequest } from "./wire.ts";

/** llama.cpp's `repeat_last_n`. */
const PENALISED_TOKENS = 64;
const MAX_GRAMMARS = 8;

type Done = Omit<Extract<FromChild, { kind: "done" }>, "kind" | "id">;

export interface Hooks {
  /** Text as it comes, never empty, characters whole, no part of a stop text. */
  text(text: string): void;
  isCancelled(): boolean;
}

/** Answers one request at a time. Resolves to null when it was cancelled; the model is free for the next request either way. */
export type Generate = (request: WireRequest, hooks: Hooks) => Promise<Done | null>;

export function createGenerate(loaded: Loaded): Generate {
  const grammarFor = createGrammars(loaded);
  return async (request, hooks) => {
    const { model, sequence } = loaded;
    const prompt = promptTokens(request.prompt, loaded);
    checkFits(prompt.tokens.length, loaded.contextTokens);
    const limit = Math.min(request.maxTokens, loaded.contextTokens - prompt.tokens.length);
    const written: Token[] = [];
    const options = await samplingFor(request, { loaded, written, grammar: await grammarFor(request.grammar) });
    const startedMs = performance.now();
    const ready = await prefill(sequence, prompt.tokens, hooks.isCancelled);
    if (ready === null) return null;
    let firstMs: number | null = null;
    let finish: "stop" | "length" = limit === 0 ? "length" : "stop";
    const tokenText = createTokenText(model, prompt.tokens);
    const cut = createStopCut([...request.stop, ...prompt.stops]);
    const give = (text: string) => {
      if (text !== "") hooks.text(text);
    };
    let isStopped = false;
    if (limit > 0)
      for await (const token of sequence.evaluate([...ready.rest], options)) {
        firstMs ??= performance.now();
        if (hooks.isCancelled()) return null;
        written.push(token);
        const piece = cut.add(tokenText.add(token));
        give(piece.text);
        isStopped = piece.isStopped;
        if (isStopped) break;
        if (written.length >= limit) {
          finish = "length";
          break;
        }
      }
    if (hooks.isCancelled()) return null;
    if (!isStopped) {
      const last = cut.add(tokenText.end());
      give(last.text);
      if (last.isStopped) finish = "stop";
      else give(cut.end());
    }
    const endMs = performance.now();
    return {
      finish,
      promptTokens: prompt.tokens.length,
      cachedTokens: ready.cachedTokens,
      completionTokens: written.length,
      prefillMs: (firstMs ?? endMs) - startedMs,
      decodeMs: endMs - (firstMs ?? endMs),
    };
  };
}

function checkFits(promptLength: number, contextTokens: number): void {
  if (promptLength === 0)
    throw new TandemError("bad-input", "The prompt is empty", "Select some code or write an instruction");
  // One token at least is to be written.
  if (promptLength < contextTokens) return;
  throw new TandemError(
    "context-length",
    `The prompt has ${promptLength} tokens; the model's context holds ${contextTokens}`,
    "Select less code, or choose a model with a larger context",
    { details: { promptTokens: promptLength, contextTokens } },
  );
}

async function samplingFor(
  request: WireRequest,
  given: { loaded: Loaded; written: readonly Token[]; grammar: LlamaGrammar | null },
): Promise<SequenceEvaluateOptions> {
  const { loaded, written, grammar } = given;
  const { LlamaGrammarEvaluationState } = loaded.library;
  return {
    temperature: request.temperature,
    topP: request.topP,
    ...(request.seed === null ? {} : { seed: request.seed }),
    // Only what it wrote itself is penalised: code has to repeat the names and brackets that it is given.
    ...(request.repeatPenalty === 1
      ? {}
      : {
          repeatPenalty: {
            penalty: request.repeatPenalty,
            punishTokens: () => written.slice(-PENALISED_TOKENS),
            maxPunishTokens: PENALISED_TOKENS,
          },
        }),
    ...(grammar === null
      ? {}
      : { grammarEvaluationState: new LlamaGrammarEvaluationState({ model: loaded.model, grammar }) }),
  };
}

/** Parsed grammars: an audit asks with the same one for every part of a draft. */
function createGrammars({ llama }: Loaded): (gbnf: string | null) => Promise<LlamaGrammar | null> {
  const known = new Map<string, LlamaGrammar>();
  return async (gbnf) => {
    if (gbnf === null) return null;
    const found = known.get(gbnf);
    if (found !== undefined) return found;
    const grammar = await llama.createGrammar({ grammar: gbnf });
    const [oldest] = known.keys();
    if (known.size >= MAX_GRAMMARS && oldest !== undefined) known.delete(oldest);
    known.set(gbnf, grammar);
    return grammar;
  };
}
