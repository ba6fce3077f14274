import { z } from "zod";
import { createChunkReader, type ReadChunk } from "../core/openai/chunkReader.ts";
import { abortError, TandemError } from "../errors.ts";
import type { Relay, RelayReply, RelayRequest } from "../relaying.ts";
import { type Reply, readWhole, transportError } from "./connection.ts";
import { brokenAnswer, isErrorData, parseJson, readRefusal, statusIn } from "./refusal.ts";
import { bodyBehind, isSaidAlready } from "./relayedOn.ts";
import { refusedTry, retried, tryFailed } from "./retry.ts";
import { deadlineOf, patience, type Server } from "./server.ts";
import { readEventsTogether, type SseEvent } from "./sse.ts";
import { createCeiling, createWatchdog, type Watchdog } from "./watchdog.ts";
import type { Dialect } from "./wireBody.ts";

/** Refusals are passed on; a longer one is a web page or repeats the prompt. */
const MAX_REFUSAL_CHARS = 16_384;
/** Servers send the end of the body with `[DONE]` or right behind it. */
const MOST_END_MS = 1_000;

/** What of a chunk tells where its stream stands; all the rest is none of our business. */
const Chunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        index: z.int().optional(),
        finish_reason: z.string().nullish(),
        text: z.string().nullish(),
        delta: z.looseObject({}).nullish(),
      }),
    )
    .nullish(),
  prompt_progress: z.looseObject({ processed: z.number() }).nullish(),
});
type Chunk = z.output<typeof Chunk>;

interface RelayGiven extends Server {
  readonly modelName: string;
  readonly dialect: Dialect;
}

type Timed = RelayRequest & { readonly deadlineMs: number };

/** Passes requests in OpenAI's shape on as they are, under the name by which the server knows its model. */
export function createRelay(given: RelayGiven): Relay {
  return (request, signal) => {
    const act = request.body.stream === true ? relayStream : relayWhole;
    const deadlineMs = deadlineOf(given, request.deadlineMs);
    const timed = { ...request, deadlineMs };
    return retried(patience(given, timed), () => act(given, timed, signal), signal);
  };
}

async function relayWhole(given: RelayGiven, request: Timed, signal: AbortSignal): Promise<RelayReply> {
  const { host } = given.address;
  using _ = given.load.begin();
  using ceiling = createCeiling({ ...given, host, deadlineMs: request.deadlineMs });
  const any = AbortSignal.any([signal, ceiling.signal]);
  try {
    const reply = await ask(given, request, any);
    const text = await readWhole(reply, host, any);
    const body = parseJson(text);
    if (body === undefined) throw brokenAnswer(host, "is not JSON");
    // LM Studio refuses what it does not know with status 200.
    if (isErrorData(body)) throw refused(given, { status: statusIn(body), body: text });
    return { kind: "whole", body };
  } catch (error) {
    throw failedTry({ host, signal, limit: ceiling.signal }, error);
  }
}

async function relayStream(given: RelayGiven, request: Timed, signal: AbortSignal): Promise<RelayReply> {
  const { host } = given.address;
  const watchdog = createWatchdog({ ...given, host, deadlineMs: request.deadlineMs });
  // It writes while it reads a prompt where it is asked to, and so notices that nobody waits any more.
  const hidesProgress = given.dialect === "llama-server" && request.body.return_progress === undefined;
  const left = new AbortController();
  const running = given.load.begin();
  const any = AbortSignal.any([signal, watchdog.signal, left.signal]);
  const close = () => {
    running[Symbol.dispose]();
    watchdog[Symbol.dispose]();
    left.abort();
  };
  // A stream that nobody begins to read must not leave the clock running.
  signal.addEventListener("abort", close, { once: true });
  const streaming: StreamGiven = {
    ...given,
    watchdog,
    signal,
    running,
    close,
    answersAs: request.answersAs ?? null,
    goesOn: request.goesOn ?? null,
    hidesProgress,
    isOneAnswer: (request.body.n ?? 1) === 1 && !Array.isArray(request.body.prompt),
  };
  try {
    const asked = bodyBehind(request.goesOn?.text ?? "", request, given.dialect);
    const body = hidesProgress ? { ...asked, return_progress: true } : asked;
    const reply = await ask(given, { ...request, body }, any);
    await checkIsStream(given, reply, any);
    return { kind: "stream", chunks: readChunks(streaming, reply) };
  } catch (error) {
    signal.removeEventListener("abort", close);
    close();
    throw failedTry({ host, signal, limit: watchdog.signal }, error);
  }
}

/** A failed try, unless it was the caller or our patience that ended it. */
function failedTry(
  { host, signal, limit }: { readonly host: string; readonly signal: AbortSignal; readonly limit: AbortSignal },
  error: unknown,
): unknown {
  if (signal.aborted) return abortError(signal);
  return limit.aborted ? abortError(limit) : tryFailed(error, host);
}

interface StreamGiven extends RelayGiven {
  readonly watchdog: Watchdog;
  /** The caller's. */
  readonly signal: AbortSignal;
  readonly running: Disposable;
  /** Closes the connection. */
  readonly close: () => void;
  readonly answersAs: string | null;
  readonly goesOn: RelayRequest["goesOn"] | null;
  /** The client did not ask to hear how far its prompt is read. */
  readonly hidesProgress: boolean;
  /** Its first end is the end of all of it. */
  readonly isOneAnswer: boolean;
}

async function* readChunks(given: StreamGiven, reply: Reply): AsyncGenerator<readonly ReadChunk[], void, void> {
  const { watchdog, signal, close, hidesProgress } = given;
  const progress = createProgress();
  const read = createChunkReader(given.answersAs, given.goesOn?.head);
  const arrivals = readEventsTogether(reply.body);
  let isDone = false;
  let readTokens = 0;
  try {
    // Not `for await`: leaving that loop closes the connection, also behind a stream that is at its end.
    while (!isDone) {
      const next = await arrivals.next();
      if (next.done) break;
      const chunks: ReadChunk[] = [];
      let hasWritten = false;
      try {
        for (const event of next.value) {
          isDone = event.data === "[DONE]";
          if (isDone) break;
          if (event.data === "") continue;
          const { chunk, shape } = chunkOf(given, event, read);
          const processed = shape?.prompt_progress?.processed ?? 0;
          if (processed > readTokens) watchdog.read();
          readTokens = Math.max(readTokens, processed);
          if (shape?.prompt_progress && hidesProgress && !isWriting(shape)) continue;
          if (shape && given.goesOn && isSaidAlready(shape, isWriting(shape))) continue;
          // While it reads, llama-server repeats a turn that the client had begun: nothing of that was written now.
          const isReading = Boolean(shape?.prompt_progress);
          hasWritten = (progress.see(shape) && !isReading) || hasWritten;
          chunks.push(isReading ? { ...chunk, text: "" } : chunk);
        }
      } finally {
        // What came before something that cannot be read has come all the same.
        if (hasWritten) watchdog.wrote();
        watchdog.passing();
        if (chunks.length > 0) yield chunks;
        watchdog.taken();
      }
    }
    if (!isDone && !progress.isWhole()) throw brokenAnswer(given.address.host, "ended before the answer was complete");
  } catch (error) {
    // Behind the end of an answer nothing can break it, and nobody is to go on after it.
    if (!given.isOneAnswer || !progress.isWhole() || signal.aborted) throw endingOf(given, error);
  } finally {
    given.running[Symbol.dispose]();
    watchdog[Symbol.dispose]();
    signal.removeEventListener("abort", close);
    // Nobody waits for what is behind the end.
    if (isDone) void readOut(given, arrivals);
    else close();
  }
}

/** Behind `[DONE]` there is the end of the body, which is read so that the connection can be used again. One that does not come is not waited for. */
async function readOut({ timing, close }: StreamGiven, arrivals: AsyncIterator<unknown>): Promise<void> {
  const stop = timing.after(MOST_END_MS, close);
  try {
    while (!(await arrivals.next()).done);
  } catch {
    // The answer is whole; the next request takes another connection.
  } finally {
    stop();
  }
}

/** Where a stream stands, by its chunks. */
function createProgress() {
  const open = new Set<number>();
  let hasFinished = false;
  return {
    /** Whether the chunk brings something the model wrote, be it its end. */
    see(shape: Chunk | null): boolean {
      // It has the choice of the one before, which is open.
      if (shape === null) return true;
      for (const choice of shape.choices ?? []) {
        if (choice.finish_reason) open.delete(choice.index ?? 0);
        else open.add(choice.index ?? 0);
        hasFinished ||= Boolean(choice.finish_reason);
      }
      return isWriting(shape);
    },
    isWhole: () => hasFinished && open.size === 0,
  };
}

interface Told {
  readonly chunk: ReadChunk;
  /** Null: as that of the one before. */
  readonly shape: Chunk | null;
}

function chunkOf(given: RelayGiven, { event, data }: SseEvent, read: ReturnType<typeof createChunkReader>): Told {
  const chunk = event === "error" ? null : read(data);
  if (chunk?.body === null) return { chunk, shape: null };
  const body = chunk?.body ?? parseJson(data);
  if (event === "error" || isErrorData(body)) throw refused(given, { status: statusIn(body), body: data });
  const shape = Chunk.safeParse(body);
  if (chunk && shape.success) return { chunk, shape: shape.data };
  throw brokenAnswer(given.address.host, "is not in a format Tandem knows");
}

/** Not while there is but the opening `{ role: "assistant", content: null }`, which some servers send before they read the prompt. */
function isWriting({ choices }: Chunk): boolean {
  return (choices ?? []).some(({ text, delta, finish_reason }) => {
    const written = Object.entries(delta ?? {}).some(([key, value]) => key !== "role" && Boolean(value));
    return Boolean(text) || Boolean(finish_reason) || written;
  });
}

async function checkIsStream(given: RelayGiven, reply: Reply, signal: AbortSignal): Promise<void> {
  const type = reply.headers["content-type"];
  if (typeof type === "string" && /^text\/event-stream\b/i.test(type)) return;
  const text = await readWhole(reply, given.address.host, signal);
  const body = parseJson(text);
  if (isErrorData(body)) throw refused(given, { status: statusIn(body), body: text });
  throw brokenAnswer(given.address.host, `is ${String(type ?? "of no content type")}, not a stream of events`);
}

/** Sends the request; throws what the server says when it refuses. */
async function ask(given: RelayGiven, { path, body }: RelayRequest, signal: AbortSignal): Promise<Reply> {
  const { connection, address, modelName } = given;
  const reply = await connection.post(`${address.api}${path}`, { ...body, model: modelName }, signal);
  if (reply.status === 200) return reply;
  const said = { status: reply.status, body: await readWhole(reply, address.host, signal) };
  throw refusedTry(reply, { error: refused(given, said) });
}

/** The refusal as an error of ours, with what the server said, so that a door can pass that on. */
function refused(given: RelayGiven, said: { status: number; body: string }): TandemError {
  const { address, apiKey } = given;
  const { error } = readRefusal({ ...said, host: address.host, apiKey });
  const safe = apiKey === "" ? said.body : said.body.replaceAll(apiKey, "…");
  const body = safe.length > MAX_REFUSAL_CHARS ? undefined : parseJson(safe);
  const details = { ...error.details, ...(body === undefined ? {} : { body }) };
  return new TandemError(error.code, error.message, error.nextStep, { cause: error, details });
}

/** What ended a stream, in order of who is to be believed: the caller, our patience, the server. */
function endingOf(given: StreamGiven, error: unknown): unknown {
  if (given.signal.aborted) return abortError(given.signal);
  if (given.watchdog.signal.aborted) return abortError(given.watchdog.signal);
  return transportError(error, given.address.host);
}
