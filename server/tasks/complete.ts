import { completion, completionChunk } from "../core/openai/answer.ts";
import { askComplete } from "../core/openai/ask.ts";
import { weighComplete } from "../core/openai/weigh.ts";
import { type CompleteEvent, type CompleteParams, type CompleteResult, Completion } from "../protocol/openai.ts";
import { complete as definition } from "../protocol/requests.ts";
import type { OpenAiDeps } from "./deps.ts";
import type { Api } from "./openaiApi.ts";
import { openaiText } from "./openaiText.ts";

const API: Api<Completion, Completion> = {
  method: definition.method,
  path: "/completions",
  idPrefix: "cmpl-",
  readChunk: (given) => Completion.safeParse(given).data ?? null,
  readWhole: (given) => Completion.safeParse(given).data ?? null,
  opening: () => null,
  text: (head, index, text) => completionChunk(head, index, { text, finish: null }),
  ending: (head, index, finish) => completionChunk(head, index, { text: "", finish }),
  counted: (head, usage) => ({ ...head, object: "text_completion", choices: [], usage }),
  whole: completion,
};

/** OpenAI's completions: each prompt is continued as it stands. */
export async function complete(
  params: CompleteParams,
  deps: OpenAiDeps,
  emit: (event: CompleteEvent) => void,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const weighed = weighComplete(params, deps.settings);
  const request = { api: API, body: params, weighed, asked: askComplete(params) };
  return openaiText(request, deps, { event: emit, chunk: (chunk) => emit({ kind: "chunk", chunk }) }, signal);
}
