import { z } from "zod";
import { countTokens, piecesOf, type Script, type ScriptedCall } from "./openaiScript.ts";

/** The three ways to ask for text: OpenAI's two and llama-server's own. */
export type WireFormat = "chat" | "completions" | "native";

/** A message's text, as one string or as OpenAI's list of parts. */
const Content = z.union([
  z.string(),
  z
    .array(z.looseObject({ text: z.string().optional() }))
    .transform((parts) => parts.map((part) => part.text ?? "").join("")),
]);

/** Several prompts stand for one of as many lines, tokens for the text that lists them: the fake answers with one choice. */
const Prompt = z.union([
  z.string(),
  z.array(z.union([z.string(), z.number(), z.array(z.number())])).transform((items) => items.flat().join("\n")),
]);

/** The request body, whatever the format; unknown fields stay in it. */
export const WireBody = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), content: Content.nullish() })).optional(),
  prompt: Prompt.optional(),
  stream: z.boolean().nullish(),
});
export type WireBody = z.output<typeof WireBody>;

export function formatOf(path: string): WireFormat | null {
  if (path === "/v1/chat/completions") return "chat";
  if (path === "/v1/completions") return "completions";
  return path === "/completion" ? "native" : null;
}

/** All the text the model would be given. */
export function promptOf(body: WireBody): string {
  return body.prompt ?? (body.messages ?? []).map((message) => message.content ?? "").join("\n");
}

/** One answer's events, in llama-server's shapes (captured from a real one). */
export interface WireEvents {
  readonly opening: readonly string[];
  readonly pieces: readonly string[];
  readonly closing: readonly string[];
}

export function eventsFor(format: WireFormat, body: WireBody, script: Script, model: string): WireEvents {
  const pieces = piecesOf(script);
  const used = usageOf(body, script, pieces.length);
  if (format === "native")
    return {
      opening: [],
      pieces: pieces.map((content, index) => event(nativeChunk(content, index + 1, used.promptTokens))),
      closing: [event(nativeEnd(script, model, used))],
    };
  const base = { created: 1_795_257_422, id: "chatcmpl-fake", model, system_fingerprint: "b1-fake" };
  if (format === "completions") {
    const chunk = (text: string, finish: string | null) => ({
      choices: [{ text, index: 0, logprobs: null, finish_reason: finish }],
      ...base,
      object: "text_completion",
    });
    return {
      opening: [],
      pieces: pieces.map((text) => event(chunk(text, null))),
      closing: [event({ ...chunk("", script.finish ?? "stop"), ...used.fields }), "data: [DONE]\n\n"],
    };
  }
  const chunk = (delta: object, finish: string | null) => ({
    choices: [{ finish_reason: finish, index: 0, delta }],
    ...base,
    object: "chat.completion.chunk",
  });
  const toolChunks = (script.toolCalls ?? []).map((call, index) =>
    event(chunk({ tool_calls: [{ index, ...toolCall(call, index) }] }, null)),
  );
  const opening = [event(chunk({ role: "assistant", content: null }, null))];
  if (script.reasoning !== undefined) opening.push(event(chunk({ reasoning_content: script.reasoning }, null)));
  return {
    opening,
    pieces: pieces.map((content) => event(chunk({ content }, null))),
    closing: [
      ...toolChunks,
      event(chunk({}, finishOf(script))),
      event({ ...base, choices: [], object: "chat.completion.chunk", ...used.fields }),
      "data: [DONE]\n\n",
    ],
  };
}

/** One answer in one piece, for a request without `stream`. */
export function wholeAnswer(format: WireFormat, body: WireBody, script: Script, model: string) {
  const pieces = piecesOf(script);
  const used = usageOf(body, script, pieces.length);
  const text = pieces.join("");
  if (format === "native") return { ...nativeEnd(script, model, used), content: text };
  const base = { created: 1_795_257_422, id: "chatcmpl-fake", model, system_fingerprint: "b1-fake", ...used.fields };
  if (format === "completions") {
    const choice = { text, index: 0, logprobs: null, finish_reason: finishOf(script) };
    return { choices: [choice], ...base, object: "text_completion" };
  }
  const calls = script.toolCalls?.map(toolCall);
  const message = {
    role: "assistant",
    content: text === "" && calls ? null : text,
    ...(script.reasoning === undefined ? {} : { reasoning_content: script.reasoning }),
    ...(calls ? { tool_calls: calls } : {}),
  };
  return { choices: [{ finish_reason: finishOf(script), index: 0, message }], ...base, object: "chat.completion" };
}

function finishOf(script: Script): string {
  return script.finish ?? (script.toolCalls ? "tool_calls" : "stop");
}

function toolCall({ name, arguments: given }: ScriptedCall, index: number) {
  return { id: `call-${index}`, type: "function", function: { name, arguments: JSON.stringify(given) } };
}

export function event(data: unknown): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** llama-server's `/props`, the fields that say what it serves. */
export function propsBody(options: { contextTokens: number; slots: number; model: string; chatTemplate: string }) {
  return {
    default_generation_settings: { params: { temperature: 0.8, n_predict: -1 }, n_ctx: options.contextTokens },
    total_slots: options.slots,
    model_alias: options.model,
    model_path: options.model,
    modalities: { vision: false, audio: false },
    endpoint_slots: true,
    endpoint_props: true,
    chat_template: options.chatTemplate,
    build_info: "b1-fake",
  };
}

function usageOf(body: WireBody, script: Script, completionTokens: number) {
  const promptTokens = countTokens(promptOf(body));
  const cachedTokens = Math.min(script.cachedTokens ?? 0, promptTokens);
  const timings = {
    cache_n: cachedTokens,
    prompt_n: promptTokens - cachedTokens,
    prompt_ms: 184.653,
    predicted_n: completionTokens,
    predicted_ms: 142.132,
  };
  const usage = {
    completion_tokens: completionTokens,
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
  return { promptTokens, completionTokens, timings, fields: { usage, timings } };
}

function nativeChunk(content: string, predicted: number, promptTokens: number) {
  return {
    index: 0,
    content,
    tokens: [predicted],
    stop: false,
    id_slot: 0,
    tokens_predicted: predicted,
    tokens_evaluated: promptTokens,
  };
}

function nativeEnd(script: Script, model: string, used: ReturnType<typeof usageOf>) {
  return {
    index: 0,
    content: "",
    tokens: [],
    id_slot: 0,
    stop: true,
    model,
    tokens_predicted: used.completionTokens,
    tokens_evaluated: used.promptTokens,
    truncated: false,
    stop_type: script.finish === "length" ? "limit" : "eos",
    stopping_word: "",
    tokens_cached: used.promptTokens + used.completionTokens - 1,
    timings: used.timings,
  };
}
