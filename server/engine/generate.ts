import type { LlamaGrammar, SequenceEvaluateOptions, Token } from "node-llama-cpp";
import { TandemError } from "../errors.ts";
import type { LoadedWriter } from "./load.ts";
import { createPrefill, type PrefillHooks } from "./prefill.ts";
import { promptTokens } from "./promptTokens.ts";
import { createStopCut } from "./stopCut.ts";
import { createTokenText } from "./tokenText.ts";
import type { FromChild, WireRequest } from "./wire.ts";

/** llama.cpp's `repeat_last_n`. */
const PENALISED_TOKENS = 64;
const MAX_GRAMMARS = 8;

type Done = Omit<Extract<FromChild, { kind: "done" }>, "kind" | "id">;

export interface Hooks extends PrefillHooks {
  /** Text as it comes, never empty, characters whole, no part of a stop text. */
  text(text: string): void;
}

/** Answers one request at a time. Resolves to null when it was cancelled; the model is free for the next request either way. */
export type Generate = (request: WireRequest, hooks: Hooks) => Promise<Done | null>;

export function createGenerate(loaded: LoadedWriter): Generate {
  const grammarFor = createGrammars(loaded);
  const prefill = createPrefill(loaded.sequence);
  return async (request, hooks) => {
    const { tokens, stops, isThinking } = promptTokens(request.prompt, loaded);
    checkFits(tokens.length, loaded.contextTokens);
    const limit = Math.min(request.maxTokens, loaded.contextTokens - tokens.length);
    const written: Token[] = [];
    const options = await samplingFor(request, { loaded, written, grammar: await grammarFor(request.grammar) });
    const writer = createWriter({ loaded, before: tokens, stops: [...request.stop, ...stops], give: hooks.text });
    const startedMs = performance.now();
    const ready = await prefill(tokens, hooks);
    if (ready === null) return null;
    // The template wrote it; whoever reads the answer must know. A grammar leaves no room for thoughts.
    if (isThinking && request.grammar === null) hooks.text("<think>");
    let firstMs: number | null = null;
    let isStopped = limit > 0;
    if (limit > 0)
      for await (const token of loaded.sequence.evaluate([...ready.rest], options)) {
        firstMs ??= performance.now();
        if (hooks.isCancelled()) return null;
        written.push(token);
        if (writer.add(token)) break;
        // The model had more to say.
        isStopped = written.length < limit;
        if (!isStopped) break;
      }
    if (hooks.isCancelled()) return null;
    const isStoppedLate = writer.end();
    const endMs = performance.now();
    return {
      finish: isStopped || isStoppedLate ? "stop" : "length",
      promptTokens: tokens.length,
      cachedTokens: ready.cachedTokens,
      completionTokens: written.length,
      prefillMs: (firstMs ?? endMs) - startedMs,
      decodeMs: endMs - (firstMs ?? endMs),
    };
  };
}

/** From tokens to the text that is given out. `add` and `end` tell whether a stop text was met. */
function createWriter(given: {
  loaded: LoadedWriter;
  before: readonly Token[];
  stops: readonly string[];
  give: (text: string) => void;
}): { add(token: Token): boolean; end(): boolean } {
  const tokenText = createTokenText(given.loaded.model, given.before);
  const cut = createStopCut(given.stops);
  let isOver = false;
  function write(text: string): boolean {
    const piece = cut.add(text);
    if (piece.text !== "") given.give(piece.text);
    isOver = piece.isStopped;
    return isOver;
  }
  return {
    add: (token) => write(tokenText.add(token)),
    end() {
      if (isOver || write(tokenText.end())) return true;
      const rest = cut.end();
      if (rest !== "") given.give(rest);
      return false;
    },
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
  given: { loaded: LoadedWriter; written: readonly Token[]; grammar: LlamaGrammar | null },
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
function createGrammars({ llama }: LoadedWriter): (gbnf: string | null) => Promise<LlamaGrammar | null> {
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
