import { z } from "zod";
import { Decision } from "./decision.ts";
import { Role } from "./models.ts";
import { RunEvent } from "./run.ts";

/*
 * OpenAI's requests, as far as Tandem itself has to understand them. Objects are loose: what is not named here goes on to a server
 * that may understand it. Answers are in OpenAI's shape, whichever engine wrote them.
 */

/** More than any conversation that still fits a context. */
const MOST_MESSAGES = 4_096;
const MOST_PARTS = 1_024;
const MOST_TOOLS = 512;
const MOST_STOPS = 16;
const MOST_CHOICES = 16;
const MOST_NAME_CHARS = 1_000;
/** Prompts of one completion request, and texts of one embeddings request (OpenAI's own limit). */
const MOST_PROMPTS = 64;
const MOST_INPUTS = 2_048;
const MOST_TOKENS = 131_072;

/** "auto" lets Tandem choose. Any other name pins: an engine's model, a catalogue id, or `file:` and the path of a GGUF. */
const ModelName = z.string().min(1, 'name a model, or "auto"').max(MOST_NAME_CHARS);

/** `text` parts are all that an embedded engine reads; images and the like need a server that understands them. */
const ContentPart = z.looseObject({ type: z.string().max(64), text: z.string().optional() });
const Content = z.union([z.string(), z.array(ContentPart).max(MOST_PARTS)]);

const ToolCall = z.looseObject({
  id: z.string().optional(),
  type: z.string().optional(),
  function: z.looseObject({ name: z.string(), arguments: z.string() }).optional(),
});

/** One message of a conversation. An assistant's may have no content but calls of tools. */
export const ConversationMessage = z.looseObject({
  role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
  content: Content.nullish(),
  name: z.string().max(MOST_NAME_CHARS).nullish(),
  tool_calls: z.array(ToolCall).max(MOST_TOOLS).nullish(),
  tool_call_id: z.string().max(MOST_NAME_CHARS).nullish(),
});
export type ConversationMessage = z.output<typeof ConversationMessage>;

/** How text is sampled and bounded. Left out: temperature 1, top_p 1, and as many tokens as the context has room for. */
const Sampling = {
  model: ModelName,
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(MOST_STOPS)]).nullish(),
  seed: z.int().nullish(),
  n: z.int().min(1).max(MOST_CHOICES).nullish(),
};

/** `POST /v1/chat/completions`. */
export const ChatParams = z.looseObject({
  ...Sampling,
  messages: z.array(ConversationMessage).min(1).max(MOST_MESSAGES),
  /** Wins over `max_tokens`. */
  max_completion_tokens: z.int().min(1).nullish(),
  tools: z
    .array(z.looseObject({ type: z.string().max(64) }))
    .max(MOST_TOOLS)
    .nullish(),
  tool_choice: z.union([z.string(), z.looseObject({})]).nullish(),
  response_format: z.looseObject({ type: z.string().max(64) }).nullish(),
});
export type ChatParams = z.output<typeof ChatParams>;

/** `POST /v1/completions`. Prompts given as tokens go only to a server with its own `/v1/completions`. */
export const CompleteParams = z.looseObject({
  ...Sampling,
  prompt: z.union([
    z.string(),
    z.array(z.string()).min(1).max(MOST_PROMPTS),
    z.array(z.int().min(0)).min(1).max(MOST_TOKENS),
    z
      .array(z.array(z.int().min(0)).min(1).max(MOST_TOKENS))
      .min(1)
      .max(MOST_PROMPTS),
  ]),
  suffix: z.string().nullish(),
});
export type CompleteParams = z.output<typeof CompleteParams>;

/** `POST /v1/embeddings`. Token arrays and `dimensions` go only to a server with its own `/v1/embeddings`. */
export const EmbeddingsParams = z.looseObject({
  model: ModelName,
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(MOST_INPUTS),
    z.array(z.int().min(0)).min(1).max(MOST_TOKENS),
    z
      .array(z.array(z.int().min(0)).min(1).max(MOST_TOKENS))
      .min(1)
      .max(MOST_INPUTS),
  ]),
  /** `base64` is little-endian 32-bit floats. */
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
});
export type EmbeddingsParams = z.output<typeof EmbeddingsParams>;

/** Tokens, as the engine counted them. */
export const Usage = z.looseObject({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  prompt_tokens_details: z.looseObject({ cached_tokens: z.int().nullish() }).nullish(),
});
export type Usage = z.output<typeof Usage>;

/** A whole answer, or one chunk of it. What a server behind an endpoint said is passed on as it is, so nothing but `model` is certain. */
const Choice = z.looseObject({ index: z.int().optional(), finish_reason: z.string().nullish() });
const Answer = {
  id: z.string().optional(),
  created: z.number().optional(),
  model: z.string(),
  usage: Usage.nullish(),
};
const Delta = z.looseObject({ role: z.string().nullish(), content: z.string().nullish() });

export const ChatChunk = z.looseObject({
  ...Answer,
  object: z.string().optional(),
  choices: z.array(Choice.extend({ delta: Delta.nullish() })).nullish(),
});
export type ChatChunk = z.output<typeof ChatChunk>;

export const ChatCompletion = z.looseObject({
  ...Answer,
  object: z.string().optional(),
  choices: z.array(Choice.extend({ message: Delta.nullish() })),
});
export type ChatCompletion = z.output<typeof ChatCompletion>;

/** Both a chunk and a whole answer of `/v1/completions`. */
export const Completion = z.looseObject({
  ...Answer,
  object: z.string().optional(),
  choices: z.array(Choice.extend({ text: z.string().nullish() })).nullish(),
});
export type Completion = z.output<typeof Completion>;

const Decided = z.object({ kind: z.literal("decision"), decision: Decision });

/** What comes while it works: waiting, downloading, loading, ready, notice; exactly one `decision`; after it the chunks of a stream. */
export const ChatEvent = z.discriminatedUnion("kind", [
  ...RunEvent.options,
  Decided,
  z.object({ kind: z.literal("chunk"), chunk: ChatChunk }),
]);
export type ChatEvent = z.output<typeof ChatEvent>;

/** As of a chat. */
export const CompleteEvent = z.discriminatedUnion("kind", [
  ...RunEvent.options,
  Decided,
  z.object({ kind: z.literal("chunk"), chunk: Completion }),
]);
export type CompleteEvent = z.output<typeof CompleteEvent>;

/** As of a chat, without chunks. */
export const EmbeddingsEvent = z.discriminatedUnion("kind", [...RunEvent.options, Decided]);
export type EmbeddingsEvent = z.output<typeof EmbeddingsEvent>;

/** `streamed`: the text came as chunks. `usage` is null where the engine did not count. */
const Streamed = z.object({ kind: z.literal("streamed"), usage: Usage.nullable() });

/** `whole.body` is what OpenAI's API answers. */
export const ChatResult = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("whole"), body: ChatCompletion }),
  Streamed,
]);
export type ChatResult = z.output<typeof ChatResult>;

export const CompleteResult = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("whole"), body: Completion }),
  Streamed,
]);
export type CompleteResult = z.output<typeof CompleteResult>;

/** OpenAI's list of vectors, in the order of the texts; a string is base64. */
export const EmbeddingsResult = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({
      object: z.literal("embedding"),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
  /** Beyond OpenAI's fields. */
  tandem: z.object({
    /** Numbers in each vector. */
    dimensions: z.int(),
    /** Names what made them, over restarts: vectors of different ones cannot be compared, and an index must not mix them. */
    fingerprint: z.string(),
    /** From the request to the last vector, loading and waiting included. */
    latencyMs: z.number(),
  }),
});
export type EmbeddingsResult = z.output<typeof EmbeddingsResult>;

/** OpenAI's list of models: "auto", this session's engines, then what of the catalogue is on this machine. */
export const ModelList = z.object({
  object: z.literal("list"),
  data: z.array(
    z.object({
      /** What `model` may be in a request. */
      id: z.string(),
      object: z.literal("model"),
      /** Seconds since 1970. */
      created: z.int(),
      owned_by: z.string(),
      /** Beyond OpenAI's fields. Prompt and answer together; null where that depends on the engine. */
      context_length: z.int().nullable(),
      /** The session's engine that has it; null: it is opened when first asked for. */
      engine: z.string().nullable(),
      roles: z.array(Role),
    }),
  ),
});
export type ModelList = z.output<typeof ModelList>;
