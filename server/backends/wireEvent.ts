import { z } from "zod";

/** What one event of any of the three formats says. Null: nothing new. */
export interface Delta {
  readonly text: string;
  /** The model is at work though no text came: thoughts. */
  readonly isThinking: boolean;
  /** Tokens of the prompt that are read by now: llama-server, where it was asked to tell. */
  readonly readTokens: number | null;
  readonly finish: "stop" | "length" | null;
  readonly usage: Usage | null;
}

/** Counts and times, as far as the server tells. */
export interface Usage {
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly completionTokens: number | null;
  readonly prefillMs: number | null;
  readonly decodeMs: number | null;
}

const Timings = z.object({
  cache_n: z.number().optional(),
  prompt_n: z.number(),
  prompt_ms: z.number(),
  predicted_n: z.number(),
  predicted_ms: z.number(),
});

/** llama-server tells it when a batch of the prompt is done. */
const Progress = z.object({ processed: z.number() });

const OpenAiEvent = z.object({
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish(),
      text: z.string().nullish(),
      delta: z
        .object({
          content: z.string().nullish(),
          // llama-server, vLLM, LM Studio; Ollama and newer vLLM write `reasoning`.
          reasoning_content: z.string().nullish(),
          reasoning: z.string().nullish(),
        })
        .nullish(),
    }),
  ),
  usage: z
    .object({
      prompt_tokens: z.number(),
      completion_tokens: z.number().default(0),
      prompt_tokens_details: z.object({ cached_tokens: z.number().nullish() }).nullish(),
    })
    .nullish(),
  timings: Timings.nullish(),
  prompt_progress: Progress.nullish(),
});

const NativeEvent = z.object({
  content: z.string(),
  stop: z.boolean(),
  stop_type: z.string().optional(),
  timings: Timings.nullish(),
  prompt_progress: Progress.nullish(),
});

/** Reads an event of `/v1/chat/completions`, `/v1/completions` or llama-server's `/completion`; null when it is none of them. */
export function readDelta(data: unknown): Delta | null {
  const openAi = OpenAiEvent.safeParse(data);
  if (openAi.success) return fromOpenAi(openAi.data);
  const native = NativeEvent.safeParse(data);
  if (!native.success) return null;
  const { content, stop, stop_type, timings, prompt_progress } = native.data;
  return {
    text: prompt_progress ? "" : content,
    isThinking: false,
    readTokens: prompt_progress?.processed ?? null,
    finish: stop ? (stop_type === "limit" ? "length" : "stop") : null,
    usage: timings ? fromTimings(timings) : null,
  };
}

function fromOpenAi(event: z.output<typeof OpenAiEvent>): Delta {
  const choice = event.choices[0];
  const reason = choice?.finish_reason ?? null;
  return {
    // What comes while the prompt is read is not written: an answer that goes on is repeated there.
    text: event.prompt_progress ? "" : (choice?.delta?.content ?? choice?.text ?? ""),
    isThinking: Boolean(choice?.delta?.reasoning_content ?? choice?.delta?.reasoning),
    readTokens: event.prompt_progress?.processed ?? null,
    finish: reason === null ? null : reason === "length" ? "length" : "stop",
    usage: usageOf(event),
  };
}

function usageOf(event: z.output<typeof OpenAiEvent>): Usage | null {
  if (event.timings) return fromTimings(event.timings);
  if (!event.usage) return null;
  return {
    promptTokens: event.usage.prompt_tokens,
    cachedTokens: event.usage.prompt_tokens_details?.cached_tokens ?? null,
    completionTokens: event.usage.completion_tokens,
    prefillMs: null,
    decodeMs: null,
  };
}

function fromTimings(timings: z.output<typeof Timings>): Usage {
  const cachedTokens = timings.cache_n ?? 0;
  return {
    promptTokens: timings.prompt_n + cachedTokens,
    cachedTokens,
    completionTokens: timings.predicted_n,
    prefillMs: timings.prompt_ms,
    decodeMs: timings.predicted_ms,
  };
}
