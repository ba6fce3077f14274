import { type AnswerHead, type Counted, usageOf, type Written } from "../core/openai/answer.ts";
import { type Asked, fitted } from "../core/openai/ask.ts";
import { throwIfAborted } from "../errors.ts";
import type { GenerateRequest } from "../ports.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Carried } from "./carried.ts";
import { granted } from "./granted.ts";
import type { TextEmit, TextRequest, TextResult } from "./openaiApi.ts";

export interface Writing<Chunk> {
  readonly asked: Asked;
  readonly head: AnswerHead;
  readonly carried: Carried;
  readonly emit: TextEmit<Chunk>;
  /** An answer that another engine has begun and streamed; null: it begins here. */
  readonly begun: Begun | null;
}

/** What is out already of an answer. */
export interface Begun {
  readonly text: string;
  readonly tokens: number;
  /** Where it goes on here; null: as if nothing had happened. */
  readonly seam: Seam | null;
}

/** Answers of an engine that only writes text, in OpenAI's shapes: one after the other where there are several prompts. */
export async function openaiWrite<Chunk, Whole>(
  { api, body }: TextRequest<Chunk, Whole>,
  { asked, head, carried, emit, begun }: Writing<Chunk>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { model } = carried.lease.engine;
  for (const name of asked.ignored) emit.event({ kind: "notice", message: `${name} has no effect on ${model.label}` });
  const isStream = body.stream === true;
  const isCounted = body.stream_options?.include_usage === true;
  const seams = createSeams(begun?.seam ?? null);
  // Like OpenAI: who asks for the usage gets an empty one in every chunk but the last.
  const give = (chunk: Chunk | null) => {
    if (isStream && chunk) emit.chunk(isCounted ? { ...chunk, usage: null } : chunk);
  };
  // Nothing goes out before the engine has written something: until then a failure can still be told by its status.
  let opening = begun ? null : api.opening(head);
  const wrote: Wrote[] = [];
  for (const [index, prompt] of asked.prompts.entries()) {
    const { request } = granted(fitted(asked, prompt, model.contextTokens));
    const step = (chunk: Chunk) => {
      give(opening);
      opening = null;
      give(seams.mark(chunk));
    };
    const onText = (text: string) => step(api.text(head, index, text));
    const one = await writeOne({ request, begun, carried, onText, onSeam: seams.see }, signal);
    step(api.ending(head, index, one.finish));
    wrote.push(one);
  }
  const usage = usageOf(wrote);
  if (!isStream) return { kind: "whole", body: seams.markAll(api.whole(head, wrote, usage)) };
  if (isCounted) emit.chunk(api.counted(head, usage));
  return { kind: "streamed", usage };
}

/** Beyond OpenAI's fields, where there is one: the first chunk behind a seam tells of it, and so does an answer in one piece. */
function createSeams(first: Seam | null) {
  let next = first;
  const all: Seam[] = [];
  return {
    see(seam: Seam): void {
      next = seam;
      all.push(seam);
    },
    mark<T>(chunk: T): T {
      const seam = next;
      next = null;
      return seam ? { ...chunk, tandem: { seam } } : chunk;
    },
    markAll: <T>(whole: T): T => (all.length === 0 ? whole : { ...whole, tandem: { seams: all } }),
  };
}

type Wrote = Written & Counted;

interface Asking {
  readonly request: GenerateRequest;
  readonly begun: Begun | null;
  readonly carried: Carried;
  readonly onText: (text: string) => void;
  readonly onSeam: (seam: Seam) => void;
}

async function writeOne(asking: Asking, signal: AbortSignal): Promise<Wrote> {
  const { begun, carried, onText, onSeam } = asking;
  const before = begun?.tokens ?? 0;
  const left = Math.max(1, asking.request.maxTokens - before);
  const rest = begun && begun.text !== "" ? { continues: begun.text, maxTokens: left } : {};
  let text = begun?.text ?? "";
  let wrote: Wrote | null = null;
  for await (const piece of carried.generate({ ...asking.request, ...rest }, signal)) {
    if (piece.kind === "seam") onSeam(piece.seam);
    if (piece.kind === "text") {
      text += piece.text;
      onText(piece.text);
    }
    if (piece.kind === "done") {
      const { finish, cachedTokens } = piece;
      // What was there was read as part of the prompt, and is part of the answer.
      const promptTokens = Math.max(0, piece.promptTokens - before);
      const counts = { promptTokens, completionTokens: piece.completionTokens + before };
      wrote = { text, finish, ...counts, cachedTokens: Math.min(cachedTokens, promptTokens) };
    }
  }
  throwIfAborted(signal);
  if (!wrote) throw new Error(`${carried.lease.engine.model.id} ended without saying so`);
  return wrote;
}
