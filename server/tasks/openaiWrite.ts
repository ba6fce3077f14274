import { type AnswerHead, type Counted, usageOf, type Written } from "../core/openai/answer.ts";
import { type Asked, fitted } from "../core/openai/ask.ts";
import { throwIfAborted } from "../errors.ts";
import type { Clock, GenerateRequest } from "../ports.ts";
import type { Lease } from "../slot/lease.ts";
import { isEnginesFault } from "./fault.ts";
import { granted } from "./granted.ts";
import { createMeter } from "./meter.ts";
import type { TextEmit, TextRequest, TextResult } from "./openaiApi.ts";

export interface Writing<Chunk> {
  readonly asked: Asked;
  readonly head: AnswerHead;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly emit: TextEmit<Chunk>;
}

/** Answers of an engine that only writes text, in OpenAI's shapes: one after the other where there are several prompts. */
export async function openaiWrite<Chunk, Whole>(
  { api, body }: TextRequest<Chunk, Whole>,
  { asked, head, lease, clock, emit }: Writing<Chunk>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  for (const name of asked.ignored)
    emit.event({ kind: "notice", message: `${name} has no effect on ${lease.engine.model.label}` });
  const isStream = body.stream === true;
  const isCounted = body.stream_options?.include_usage === true;
  // Like OpenAI: who asks for the usage gets an empty one in every chunk but the last.
  const give = (chunk: Chunk | null) => {
    if (isStream && chunk) emit.chunk(isCounted ? { ...chunk, usage: null } : chunk);
  };
  // Nothing goes out before the engine has written something: until then a failure can still be told by its status.
  let opening = api.opening(head);
  const wrote: Wrote[] = [];
  for (const [index, prompt] of asked.prompts.entries()) {
    const { request } = granted(fitted(asked, prompt, lease.engine.model.contextTokens));
    const step = (chunk: Chunk) => {
      give(opening);
      opening = null;
      give(chunk);
    };
    const onText = (text: string) => step(api.text(head, index, text));
    const one = await writeOne({ request, lease, clock, onText }, signal);
    step(api.ending(head, index, one.finish));
    wrote.push(one);
  }
  const usage = usageOf(wrote);
  if (!isStream) return { kind: "whole", body: api.whole(head, wrote, usage) };
  if (isCounted) emit.chunk(api.counted(head, usage));
  return { kind: "streamed", usage };
}

type Wrote = Written & Counted;

interface Asking {
  readonly request: GenerateRequest;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly onText: (text: string) => void;
}

async function writeOne({ request, lease, clock, onText }: Asking, signal: AbortSignal): Promise<Wrote> {
  const meter = createMeter(lease, clock);
  let text = "";
  let wrote: Wrote | null = null;
  try {
    for await (const piece of lease.engine.generate(request, signal)) {
      meter.see(piece);
      if (piece.kind === "done") {
        const { finish, promptTokens, cachedTokens, completionTokens } = piece;
        wrote = { text, finish, promptTokens, cachedTokens, completionTokens };
      } else {
        text += piece.text;
        onText(piece.text);
      }
    }
  } catch (error) {
    if (!signal.aborted && isEnginesFault(error)) lease.reportFailure(error);
    throw error;
  }
  throwIfAborted(signal);
  if (!wrote) throw new Error(`${lease.engine.model.id} ended without saying so`);
  return wrote;
}
