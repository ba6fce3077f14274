import { type Continuation, createContinuation } from "../core/continuation.ts";
import { abortError, TandemError } from "../errors.ts";
import type { GenerateRequest, Piece } from "../ports.ts";
import type { Address } from "./address.ts";
import { type Connection, type Reply, readShort } from "./connection.ts";
import type { Load } from "./load.ts";
import { brokenAnswer, isErrorData, parseJson, readRefusal, statusIn } from "./refusal.ts";
import { AttemptFailed, refusedTry, tryFailed } from "./retry.ts";
import { readEvents } from "./sse.ts";
import { beginningOf, createThinkingFilter, type ThinkingFilter } from "./thinking.ts";
import type { Timing } from "./timing.ts";
import { type AnswerLimits, createWatchdog, type Watchdog } from "./watchdog.ts";
import { blamedExtra, type WireRequest } from "./wireBody.ts";
import { type Delta, readDelta, type Usage } from "./wireEvent.ts";

/** Rough, for servers that do not count: English and code come to about four characters a token. */
const CHARS_PER_TOKEN = 4;

/** A request that knows when it has had its time. */
export type Timed = GenerateRequest & { readonly deadlineMs: number };

export interface AttemptGiven {
  readonly connection: Connection;
  readonly address: Address;
  readonly apiKey: string;
  readonly limits: AnswerLimits;
  readonly timing: Timing;
  readonly load: Load;
  readonly request: Timed;
  readonly wire: WireRequest;
}

/** Asks once and streams the answer. Throws AttemptFailed, or what the signal stands for. Leaving it early closes the connection. */
export async function* attempt(given: AttemptGiven, signal: AbortSignal): AsyncGenerator<Piece, void, void> {
  const { limits, timing, request } = given;
  const { host } = given.address;
  using watchdog = createWatchdog({ host, limits, timing, deadlineMs: request.deadlineMs });
  using _ = given.load.begin();
  const left = new AbortController();
  const any = AbortSignal.any([signal, watchdog.signal, left.signal]);
  try {
    const startedMs = timing.nowMs();
    const reply = await given.connection.post(`${given.address.root}${given.wire.path}`, given.wire.body, any);
    if (reply.status !== 200) throw await refusalOf(given, reply, any);
    await checkIsStream(given, reply, any);
    yield* readAnswer(given, { reply, watchdog, startedMs, signal });
  } catch (error) {
    if (signal.aborted) throw abortError(signal);
    if (watchdog.signal.aborted) throw new AttemptFailed(abortError(watchdog.signal));
    throw tryFailed(error, host);
  } finally {
    left.abort();
  }
}

interface Stream {
  readonly reply: Reply;
  readonly watchdog: Watchdog;
  readonly startedMs: number;
  /** The caller's. */
  readonly signal: AbortSignal;
}

async function* readAnswer(given: AttemptGiven, stream: Stream): AsyncGenerator<Piece, void, void> {
  const { watchdog } = stream;
  const thinking = thinkingOf(given);
  const seam = given.wire.isSeamUnsure ? createContinuation(given.request.continues ?? "") : null;
  let finish: "stop" | "length" | null = null;
  let usage: Usage | null = null;
  let written = 0;
  let read = 0;
  let firstMs: number | null = null;
  for await (const delta of deltasOf(given, stream)) {
    if (delta.readTokens !== null && delta.readTokens > read) {
      read = delta.readTokens;
      watchdog.read();
    }
    if (delta.isThinking) thinking?.servedApart();
    if (delta.text !== "" || delta.isThinking) {
      watchdog.wrote();
      firstMs ??= given.timing.nowMs();
      written++;
    }
    const answer = thinking === null ? delta.text : thinking.add(delta.text);
    const text = seam === null ? answer : seam.add(answer);
    watchdog.passing();
    if (text !== "") yield { kind: "text", text };
    watchdog.taken();
    finish = delta.finish ?? finish;
    usage = delta.usage ?? usage;
  }
  const rest = restOf(given, thinking?.end() ?? "", seam);
  if (rest !== "") yield { kind: "text", text: rest };
  const endMs = given.timing.nowMs();
  const first = firstMs ?? endMs;
  yield {
    kind: "done",
    finish: finish ?? "stop",
    promptTokens: usage?.promptTokens ?? Math.ceil(promptChars(given.request) / CHARS_PER_TOKEN),
    cachedTokens: usage?.cachedTokens ?? 0,
    completionTokens: usage?.completionTokens ?? written,
    prefillMs: usage?.prefillMs ?? first - stream.startedMs,
    decodeMs: usage?.decodeMs ?? endMs - first,
  };
}

/** To the end of the answer, which is whole once that was told: what breaks behind it costs counts, and nobody is to go on after it. */
async function* deltasOf(given: AttemptGiven, { reply, signal }: Stream): AsyncGenerator<Delta, void, void> {
  let isWhole = false;
  try {
    for await (const event of readEvents(reply.body)) {
      if (event.data === "[DONE]") return;
      const delta = deltaOf(given, event);
      isWhole ||= delta.finish !== null;
      yield delta;
    }
  } catch (error) {
    if (!isWhole || signal.aborted) throw error;
  }
  if (!isWhole) throw broken(given, "ended before the answer was complete");
}

/** Who goes on in his own open turn, or is confined to a shape, does not think first; who is asked to go on in words does. */
function thinkingOf({ request, wire }: AttemptGiven): ThinkingFilter | null {
  if (request.prompt.kind === "text") return null;
  const isFree = request.shape === null && (request.continues === undefined || wire.isSeamUnsure);
  return createThinkingFilter(isFree ? beginningOf(String(wire.body.model)) : "answer");
}

function restOf(given: AttemptGiven, rest: string, seam: Continuation | null): string {
  if (seam === null) return rest;
  const sure = seam.add(rest);
  const last = seam.end();
  if (last !== null) return sure + last;
  throw new AttemptFailed(
    new TandemError(
      "provider",
      `${given.address.host} began its answer anew instead of going on`,
      "Run it again; a model with a chat template that can be continued goes on where it was",
    ),
  );
}

function deltaOf(given: AttemptGiven, event: { event: string; data: string }) {
  const data = parseJson(event.data);
  if (event.event === "error" || isErrorData(data)) {
    const { address, apiKey } = given;
    const refusal = readRefusal({ status: statusIn(data), body: event.data, host: address.host, apiKey });
    throw new AttemptFailed(refusal.error);
  }
  const delta = readDelta(data);
  if (delta === null) throw broken(given, "is not in a format Tandem knows");
  return delta;
}

async function refusalOf(given: AttemptGiven, reply: Reply, signal: AbortSignal): Promise<AttemptFailed> {
  const body = await readShort(reply, signal);
  const { address, apiKey, request } = given;
  const refusal = readRefusal({ status: reply.status, body, host: address.host, apiKey });
  const isBlaming = (reply.status === 400 || reply.status === 422) && refusal.error.code !== "context-length";
  return refusedTry(reply, { error: refusal.error, blamed: isBlaming ? blamedExtra(refusal.message, request) : null });
}

async function checkIsStream(given: AttemptGiven, reply: Reply, signal: AbortSignal): Promise<void> {
  const type = reply.headers["content-type"];
  if (typeof type === "string" && /^text\/event-stream\b/i.test(type)) return;
  const body = await readShort(reply, signal);
  if (isErrorData(parseJson(body))) {
    const { address, apiKey } = given;
    throw new AttemptFailed(readRefusal({ status: reply.status, body, host: address.host, apiKey }).error);
  }
  throw broken(given, `is ${String(type ?? "of no content type")}, not a stream of events`);
}

function broken(given: AttemptGiven, what: string): AttemptFailed {
  return new AttemptFailed(brokenAnswer(given.address.host, what));
}

function promptChars(request: GenerateRequest): number {
  const { prompt } = request;
  return prompt.kind === "text"
    ? prompt.text.length
    : prompt.messages.reduce((sum, message) => sum + message.content.length, 0);
}
