import { askedToContinue } from "../core/continuation.ts";
import type { ChatMessage, GenerateRequest } from "../ports.ts";

/** What an endpoint understands, found when attaching. */
export type Dialect = "llama-server" | "vllm" | "ollama" | "openai";

/** Parts of a request that a server may refuse and that an answer can do without, or can be had otherwise. */
export type Extra = "shape" | "penalty" | "usage" | "prefill";

/** The path, relative to the root, and the body that asks for `request`. */
export interface WireRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The model may repeat what it was to continue, or begin anew. */
  readonly isSeamUnsure: boolean;
}

/**
 * llama-server: `/completion` for text, because only there a grammar is honoured and timings come back; `grammar` in a chat.
 * Others: OpenAI's two, with `response_format` (vLLM, Ollama and LM Studio take it) and both usual names of the repetition penalty.
 * llama-server tells how far it has read, too: only who writes to a connection notices at once that nobody reads it any more, so that
 * without it a request that is broken off while its prompt is read goes on for up to a second, or to the prompt's end.
 */
export function wireRequest(
  request: GenerateRequest,
  server: { dialect: Dialect; modelName: string; without: ReadonlySet<Extra> },
): WireRequest {
  const { prompt, continues = "" } = request;
  const isLlama = server.dialect === "llama-server";
  const common = {
    model: server.modelName,
    stream: true,
    temperature: request.temperature,
    top_p: request.topP,
    ...(request.seed === null ? {} : { seed: request.seed }),
    ...(request.stop.length === 0 ? {} : { stop: request.stop }),
    ...(server.without.has("penalty") ? {} : penalty(request, isLlama)),
    ...(server.without.has("shape") ? {} : shape(request, isLlama)),
  };
  if (isLlama && prompt.kind === "text")
    return {
      path: "/completion",
      body: {
        ...{ ...common, prompt: prompt.text + continues, n_predict: request.maxTokens },
        ...{ cache_prompt: true, return_progress: true },
      },
      isSeamUnsure: false,
    };
  const body = {
    ...common,
    max_tokens: request.maxTokens,
    ...(isLlama ? { cache_prompt: true, return_progress: true } : {}),
    ...(server.without.has("usage") ? {} : { stream_options: { include_usage: true } }),
  };
  if (prompt.kind === "text")
    return { path: "/v1/completions", body: { ...body, prompt: prompt.text + continues }, isSeamUnsure: false };
  const { isUnsure, ...chat } = chatFields(prompt.messages, continues, server);
  const unthinking = request.shape === null ? {} : withoutThinking(server.dialect);
  return { path: "/v1/chat/completions", body: { ...body, ...unthinking, ...chat }, isSeamUnsure: isUnsure };
}

/**
 * A confined answer is no place for thoughts. llama-server would take all of it for them where the template begins them, since it waits for
 * their end, which the grammar forbids; vLLM would think first, and run out of tokens.
 */
function withoutThinking(dialect: Dialect) {
  const template = { chat_template_kwargs: { enable_thinking: false } };
  if (dialect === "llama-server") return { ...template, reasoning_format: "none" };
  return dialect === "vllm" ? template : {};
}

/**
 * Messages whose last answer goes on. llama-server and vLLM do it as told (the former by itself, the latter by two fields of its own), Ollama
 * as far as the model's template lets it, and the others are asked in words.
 */
function chatFields(
  messages: readonly ChatMessage[],
  continues: string,
  { dialect, without }: { readonly dialect: Dialect; readonly without: ReadonlySet<Extra> },
): { readonly messages: readonly ChatMessage[]; readonly isUnsure: boolean } {
  if (continues === "") return { messages, isUnsure: false };
  if (dialect === "openai" || without.has("prefill"))
    return { messages: askedToContinue(messages, continues), isUnsure: true };
  const own = dialect === "vllm" ? { add_generation_prompt: false, continue_final_message: true } : {};
  return { messages: openTurn(messages, continues), isUnsure: dialect === "ollama", ...own };
}

/** The model's own turn with what it has said already. */
export function openTurn(messages: readonly ChatMessage[], continues: string): readonly ChatMessage[] {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return [...messages, { role: "assistant", content: continues }];
  return [...messages.slice(0, -1), { role: "assistant", content: last.content + continues }];
}

/** Which extra of the request a refusal (HTTP 400 or 422) is about; null when it is about something else. */
export function blamedExtra(message: string, request: GenerateRequest): Extra | null {
  if (request.shape !== null && /response_format|json_schema|schema|grammar|sampler|guided/i.test(message))
    return "shape";
  if (request.continues && /prefill|continue_final_message|add_generation_prompt|assistant message/i.test(message))
    return "prefill";
  if (/repeat_penalty|repetition_penalty/i.test(message)) return "penalty";
  return /stream_options/i.test(message) ? "usage" : null;
}

function penalty(request: GenerateRequest, isLlama: boolean) {
  if (request.repeatPenalty === 1) return {};
  const { repeatPenalty } = request;
  return isLlama
    ? { repeat_penalty: repeatPenalty }
    : { repeat_penalty: repeatPenalty, repetition_penalty: repeatPenalty };
}

function shape(request: GenerateRequest, isLlama: boolean) {
  if (request.shape === null) return {};
  if (isLlama) return { grammar: request.shape.gbnf };
  const { name, jsonSchema } = request.shape;
  return { response_format: { type: "json_schema", json_schema: { name, schema: jsonSchema, strict: true } } };
}
