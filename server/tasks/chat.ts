import { chatChunk, chatCompletion } from "../core/openai/answer.ts";
import { askChat } from "../core/openai/ask.ts";
import { weighChat } from "../core/openai/weigh.ts";
import { ChatChunk, ChatCompletion, type ChatEvent, type ChatParams, type ChatResult } from "../protocol/openai.ts";
import { chat as definition } from "../protocol/requests.ts";
import type { OpenAiDeps } from "./deps.ts";
import type { Api } from "./openaiApi.ts";
import { openaiText } from "./openaiText.ts";

const API: Api<ChatChunk, ChatCompletion> = {
  method: definition.method,
  path: "/chat/completions",
  idPrefix: "chatcmpl-",
  readChunk: (given) => ChatChunk.safeParse(given).data ?? null,
  readWhole: (given) => ChatCompletion.safeParse(given).data ?? null,
  opening: (head) => chatChunk(head, { role: "assistant", content: "", refusal: null }, null),
  text: (head, _index, text) => chatChunk(head, { content: text }, null),
  ending: (head, _index, finish) => chatChunk(head, {}, finish),
  counted: (head, usage) => ({ ...head, object: "chat.completion.chunk", choices: [], usage }),
  whole: (head, [written = { text: "", finish: "stop" }], usage) => chatCompletion(head, written, usage),
};

/** OpenAI's chat completions, by whichever engine the request names or routing picks. */
export async function chat(
  params: ChatParams,
  deps: OpenAiDeps,
  emit: (event: ChatEvent) => void,
  signal: AbortSignal,
): Promise<ChatResult> {
  const weighed = weighChat(params, deps.settings);
  const request = { api: API, body: params, weighed, asked: askChat(params) };
  return openaiText(request, deps, { event: emit, chunk: (chunk) => emit({ kind: "chunk", chunk }) }, signal);
}
