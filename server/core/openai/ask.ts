import type { AnswerShape, ChatMessage, GenerateRequest } from "../../ports.ts";
import type { ChatParams, CompleteParams, ConversationMessage } from "../../protocol/openai.ts";
import { promptLength } from "../prompt.ts";
import { type Refusal, refuse } from "../refusal.ts";

/** Requests of OpenAI's API as an engine that does not speak it itself is asked; one for each prompt. */
export interface Asked {
  readonly kind: "asked";
  readonly prompts: readonly GenerateRequest["prompt"][];
  readonly sampling: Omit<GenerateRequest, "prompt" | "maxTokens">;
  /** Null: as many as the context has room for. */
  readonly maxTokens: number | null;
  /** Parameters that were given and change nothing. */
  readonly ignored: readonly string[];
}

const NEXT_STEP = "Leave it out, or set an endpoint: llama-server, vLLM and Ollama take such requests as they are";
/** What has no effect here, though the answer is one to the request without it. */
const IGNORED = ["frequency_penalty", "presence_penalty", "logit_bias"] as const;
const MOST_SEED = 2 ** 32;
/** Fewer characters a token than this has no text, so that what is refused is certainly too long. */
const MOST_CHARS_PER_TOKEN = 12;

/** Any JSON object, as `response_format: { type: "json_object" }` promises. */
const JSON_OBJECT: AnswerShape = {
  name: "json_object",
  gbnf: [
    "root ::= object",
    'value ::= object | array | string | number | "true" | "false" | "null"',
    'object ::= "{" space (pair ("," space pair)*)? "}"',
    'pair ::= string ":" space value space',
    'array ::= "[" space (value space ("," space value space)*)? "]"',
    'string ::= "\\"" ([^"\\\\\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4}))* "\\""',
    'number ::= "-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?',
    "space ::= [ \\n]{0,20}",
  ].join("\n"),
  jsonSchema: { type: "object" },
};

/** A chat in an embedded engine's terms, or which parameter it cannot do. */
export function askChat(params: ChatParams): Asked | Refusal {
  const format = params.response_format?.type ?? "text";
  const hopeless =
    hopelessSampling(params) ??
    firstOf(params, ["functions", "function_call", "audio", "web_search_options"]) ??
    (params.tools && params.tools.length > 0 && params.tool_choice !== "none" ? cannot("tools") : null) ??
    (hasOther(params.modalities, "text") ? cannot("modalities") : null) ??
    (format === "text" || format === "json_object" ? null : cannot("response_format"));
  if (hopeless) return hopeless;
  const messages: ChatMessage[] = [];
  for (const [index, message] of params.messages.entries()) {
    const read = readMessage(message, `messages[${index}]`);
    if (read.kind === "refused") return read;
    messages.push(read.message);
  }
  return asked(params, {
    prompts: [{ kind: "chat", messages }],
    maxTokens: params.max_completion_tokens ?? params.max_tokens ?? null,
    shape: format === "json_object" ? JSON_OBJECT : null,
  });
}

/** Prompts to continue in an embedded engine's terms, or which parameter it cannot do. */
export function askComplete(params: CompleteParams): Asked | Refusal {
  const hopeless =
    hopelessSampling(params) ??
    firstOf(params, ["echo"]) ??
    (params.suffix ? cannot("suffix") : null) ??
    (typeof params.best_of === "number" && params.best_of > 1 ? cannot("best_of") : null);
  if (hopeless) return hopeless;
  const prompts: GenerateRequest["prompt"][] = [];
  for (const text of [params.prompt].flat()) {
    if (typeof text !== "string") return cannot("prompt", "a prompt of tokens");
    prompts.push({ kind: "text", text });
  }
  return asked(params, { prompts, maxTokens: params.max_tokens ?? null, shape: null });
}

/** The request for the engine that was found, or that its context is certainly too small. */
export function fitted(
  { sampling, maxTokens }: Asked,
  prompt: GenerateRequest["prompt"],
  contextTokens: number,
): { readonly kind: "fitted"; readonly request: GenerateRequest } | Refusal {
  const chars =
    prompt.kind === "text" ? prompt.text.length : prompt.messages.reduce((sum, it) => sum + it.content.length, 0);
  if (chars / MOST_CHARS_PER_TOKEN >= contextTokens)
    return refuse(
      "context-length",
      `The prompt has about ${promptLength(prompt)} tokens; the model's context holds ${contextTokens}`,
      "Send less, or name a model with a larger context",
    );
  // The engine ends where its context does: it alone counts the prompt's tokens exactly.
  const request = { ...sampling, prompt, maxTokens: Math.min(maxTokens ?? contextTokens, contextTokens) };
  return { kind: "fitted", request };
}

function asked(
  params: ChatParams | CompleteParams,
  { shape, ...found }: Pick<Asked, "prompts" | "maxTokens"> & { readonly shape: AnswerShape | null },
): Asked {
  const { temperature, top_p, seed, stop } = params;
  return {
    kind: "asked",
    ...found,
    ignored: IGNORED.filter((name) => isSet(params[name])),
    sampling: {
      temperature: temperature ?? 1,
      topP: top_p ?? 1,
      repeatPenalty: 1,
      seed: typeof seed === "number" ? Math.abs(seed) % MOST_SEED : null,
      stop: [stop ?? []].flat().filter((it) => it !== ""),
      shape,
    },
  };
}

type Read = { readonly kind: "read"; readonly message: ChatMessage } | Refusal;

function readMessage({ role, content, tool_calls }: ConversationMessage, where: string): Read {
  if (role === "tool" || role === "function" || (tool_calls && tool_calls.length > 0))
    return cannot(where, "a message about tools");
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  const strange = parts.findIndex((it) => it.type !== "text" && it.type !== "refusal");
  if (strange !== -1) return cannot(`${where}.content[${strange}]`, `content of type ${parts[strange]?.type}`);
  const text = parts.map((it) => it.text ?? "").join("");
  return { kind: "read", message: { role: role === "developer" ? "system" : role, content: text } };
}

function hopelessSampling(params: ChatParams | CompleteParams): Refusal | null {
  return (params.n ?? 1) > 1 ? cannot("n", "more than one choice") : firstOf(params, ["logprobs", "top_logprobs"]);
}

function firstOf(params: Readonly<Record<string, unknown>>, names: readonly string[]): Refusal | null {
  const name = names.find((it) => isSet(params[it]));
  return name === undefined ? null : cannot(name);
}

/** Clients spell out defaults: null, false, 0 and {} ask for nothing. */
function isSet(value: unknown): boolean {
  return Boolean(value) && !(typeof value === "object" && value !== null && Object.keys(value).length === 0);
}

function hasOther(values: unknown, allowed: string): boolean {
  return Array.isArray(values) && values.some((it) => it !== allowed);
}

function cannot(param: string, what = param): Refusal {
  const message = what === param ? `This engine cannot do ${param}` : `This engine cannot do ${what} (${param})`;
  return { ...refuse("bad-request", message, NEXT_STEP), details: { param } };
}
