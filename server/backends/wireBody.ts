import type { GenerateRequest } from "../ports.ts";

/** What an endpoint understands, found when attaching. */
export type Dialect = "llama-server" | "openai";

/** Parts of a request that a server may refuse and that an answer can do without. */
export type Extra = "shape" | "penalty" | "usage";

/** The path, relative to the root, and the body that asks for `request`. */
export interface WireRequest {
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * llama-server: `/completion` for text, because only there a grammar is honoured and timings come back; `grammar` in a chat.
 * Others: OpenAI's two, with `response_format` (vLLM, Ollama and LM Studio take it) and both usual names of the repetition penalty.
 */
export function wireRequest(
  request: GenerateRequest,
  server: { dialect: Dialect; modelName: string; without: ReadonlySet<Extra> },
): WireRequest {
  const { prompt } = request;
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
      body: { ...common, prompt: prompt.text, n_predict: request.maxTokens, cache_prompt: true },
    };
  const body = {
    ...common,
    max_tokens: request.maxTokens,
    ...(isLlama ? { cache_prompt: true } : {}),
    ...(server.without.has("usage") ? {} : { stream_options: { include_usage: true } }),
  };
  return prompt.kind === "text"
    ? { path: "/v1/completions", body: { ...body, prompt: prompt.text } }
    : { path: "/v1/chat/completions", body: { ...body, messages: prompt.messages } };
}

/** Which extra of the request a refusal (HTTP 400 or 422) is about; null when it is about something else. */
export function blamedExtra(message: string, request: GenerateRequest): Extra | null {
  if (request.shape !== null && /response_format|json_schema|schema|grammar|sampler|guided/i.test(message))
    return "shape";
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
