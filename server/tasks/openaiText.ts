import type { ReadChunk } from "../core/openai/chunkReader.ts";
import { isConfined, recounted, shortened } from "../core/openai/continued.ts";
import { estimateTokens } from "../core/prompt.ts";
import { TandemError } from "../errors.ts";
import type { Usage } from "../protocol/openai.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Relay, RelayRequest } from "../relaying.ts";
import type { Lease } from "../scheduler.ts";
import { type CarryInput, carry } from "./carried.ts";
import type { OpenAiDeps } from "./deps.ts";
import { seamTo } from "./failover.ts";
import { granted, refusalError } from "./granted.ts";
import { requestLeave } from "./leave.ts";
import type { TextEmit, TextRequest, TextResult } from "./openaiApi.ts";
import { type Granted, openaiEngine } from "./openaiEngine.ts";
import { openaiRelay, unreadable } from "./openaiRelay.ts";
import { openaiWrite } from "./openaiWrite.ts";
import { createOut, type StreamedOut } from "./streamedOut.ts";
import { deadlineOf, withCeiling } from "./withCeiling.ts";

/** Finds an engine and lets it answer: as it stands where the engine speaks OpenAI's API, translated otherwise. */
export async function openaiText<Chunk extends { usage?: Usage | null | undefined }, Whole>(
  request: TextRequest<Chunk, Whole>,
  deps: OpenAiDeps,
  emit: TextEmit<Chunk>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { api, body, weighed, asked } = request;
  const hopeless = asked.kind === "refused" ? refusalError(asked) : null;
  const cloud = await requestLeave(body, weighed.task.tier, deps);
  const wanted = { method: api.method, model: body.model, use: "write", ...weighed, cloud, hopeless } as const;
  const turn = await openaiEngine(wanted, deps, emit.event, signal);
  const deadlineMs = deadlineOf(deps);
  using ceiling = withCeiling(signal, deps.settings);
  const { clock, sink } = deps;
  const answering = { request, turn, clock, sink, emit, deadlineMs };
  return await fromServers(answering, turn.lease, ceiling.signal);
}

interface Answering<Chunk, Whole> extends Pick<OpenAiDeps, "clock" | "sink"> {
  readonly request: TextRequest<Chunk, Whole>;
  readonly turn: Granted;
  readonly emit: TextEmit<Chunk>;
  readonly deadlineMs: number;
}

/** What is out of an answer, and who goes on with it. */
interface Begun {
  readonly out: StreamedOut;
  /** Not told yet; null: as if nothing had happened. */
  readonly seam: Seam | null;
}

/** As long as the engines are servers that speak OpenAI's API, each is asked for all of it, or for what is left, in the client's words. */
async function fromServers<Chunk extends { usage?: Usage | null | undefined }, Whole>(
  answering: Answering<Chunk, Whole>,
  first: Lease,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { request, turn } = answering;
  let begun: Begun | null = null;
  let isRefused = false;
  for (let lease = first; ; ) {
    const relay = isRefused ? null : relayFor(request, lease, begun);
    if (!relay) return await writtenBy(answering, lease, begun, signal);
    const out: StreamedOut = begun?.out ?? createOut();
    const { text: before } = out;
    const hasSuccessor = turn.failover.isReplaceable(lease.id, request.weighed.promptTokens);
    if (canGoOn(request)) lease.offer();
    try {
      const answer = await relayed({ ...answering, relay, lease, out, begun, hasSuccessor }, signal);
      lease[Symbol.dispose]();
      return answer;
    } catch (error) {
      const isCut = out.head !== null && !canGoOn(request);
      if (signal.aborted || isCut) {
        lease[Symbol.dispose]();
        throw isCut && !signal.aborted ? cutOff(error) : error;
      }
      // A chat template may not let an answer be gone on with as it stands: then it is asked for in words.
      isRefused = begun !== null && out.text === before && isRefusal(error);
      if (isRefused) continue;
      const hasText = out.text !== "";
      const tokens = request.weighed.promptTokens + estimateTokens(out.text);
      const successor = await turn.failover.goOn({ lease, error, hasText, tokens, isHasty: hasSuccessor }, signal);
      if (!successor.isResumed) turn.moved(successor, out.text.length);
      lease = successor.lease;
      const untold: Seam | null = out.text === before ? seamOf(begun) : null;
      const seam: Seam | null = hasText && !successor.isResumed ? seamTo(successor, out.text.length) : untold;
      begun = out.head === null ? null : { out, seam };
    }
  }
}

function seamOf(begun: Begun | null): Seam | null {
  return begun?.seam ?? null;
}

/** Null: in our own words, as it takes none as they are, or could not go on in them. What was thought aloud before any text is not asked for again. */
function relayFor<Chunk, Whole>({ api }: TextRequest<Chunk, Whole>, lease: Lease, begun: Begun | null): Relay | null {
  const { relay, relayGoesOn } = lease.engine;
  if (!begun) return relay;
  const isAgain = begun.out.text === "" && begun.out.hasOther;
  return !isAgain && relayGoesOn?.(api.path) ? relay : null;
}

function isRefusal(error: unknown): boolean {
  const status = error instanceof TandemError ? error.details?.status : null;
  return status === 400 || status === 422;
}

/** Plain text in one stream: what another engine writes then fits behind what is out. */
function canGoOn<Chunk, Whole>({ asked, body }: TextRequest<Chunk, Whole>): boolean {
  const isPlain = asked.kind === "asked" && asked.prompts.length === 1 && asked.sampling.shape === null;
  return isPlain && body.stream === true && !isConfined(body);
}

function cutOff(error: unknown): unknown {
  if (!(error instanceof TandemError)) return error;
  const message = `${error.message}; no other engine can go on in the middle of such an answer`;
  const { code, details, isRetryable } = error;
  return new TandemError(code, message, "Ask again", { cause: error, isRetryable, ...(details ? { details } : {}) });
}

/** By engines that are asked in our own words: from the beginning, or from where a server broke off. */
async function writtenBy<Chunk, Whole>(
  { request, turn, clock, emit, deadlineMs }: Answering<Chunk, Whole>,
  lease: Lease,
  was: Begun | null,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { decision, failover, moved } = turn;
  const out = was?.out;
  const before = out?.text.length ?? 0;
  const onMove: CarryInput["onMove"] = (successor, atCharacters) => moved(successor, before + atCharacters);
  using carried = carry({ lease, failover, clock, deadlineMs, confined: "fails", onMove });
  const head = {
    id: `${request.api.idPrefix}${decision.id}`,
    created: Math.floor(decision.atMs / 1000),
    model: lease.engine.model.id,
    ...out?.head,
  };
  const begun = was && { text: was.out.text, tokens: was.out.tokens, seam: was.seam };
  return await openaiWrite(request, { asked: granted(request.asked), head, carried, emit, begun }, signal);
}

interface Relaying<Chunk, Whole> extends Answering<Chunk, Whole> {
  readonly relay: Relay;
  readonly lease: Lease;
  readonly out: StreamedOut;
  readonly begun: Begun | null;
  readonly hasSuccessor: boolean;
}

async function relayed<Chunk extends { usage?: Usage | null | undefined }, Whole>(
  { request: { api, body }, emit, sink, out, begun, deadlineMs, hasSuccessor, ...given }: Relaying<Chunk, Whole>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { device } = given.lease.engine;
  const tokensBefore = out.tokens;
  let usage: Usage | null = null;
  let hasBegun = false;
  const onChunk = (read: ReadChunk) => {
    const told = begun ? recounted(read, tokensBefore) : read;
    const chunk = told.body && certain(api.readChunk(told.body), device);
    usage = chunk?.usage ?? usage;
    out.see(told);
    // The first is told as an event all the same: who counts how long it took listens for that.
    if (sink && hasBegun) sink.send(told.json);
    else emit.chunk(marked(chunk ?? certain(api.readChunk(JSON.parse(told.json)), device), hasBegun ? null : begun));
    hasBegun = true;
  };
  const room = () => sink?.room() ?? null;
  const answer = await openaiRelay(
    { ...given, request: { path: api.path, body, ...restOf(body, begun), deadlineMs, hasSuccessor }, onChunk, room },
    signal,
  );
  if (answer.kind === "streamed") return { kind: "streamed", usage };
  return { kind: "whole", body: certain(api.readWhole(answer.body), device) };
}

/** What is asked of who goes on: what is left of the answer, under the name by which its client knows it. */
function restOf(body: RelayRequest["body"], begun: Begun | null): Partial<RelayRequest> {
  if (!begun) return {};
  const { text, tokens, head } = begun.out;
  return { body: shortened(body, tokens), goesOn: { text, head: head ?? {} } };
}

/** Beyond OpenAI's fields: the first chunk behind a seam tells of it. */
function marked<Chunk>(chunk: Chunk, begun: Begun | null): Chunk {
  return begun?.seam ? { ...chunk, tandem: { seam: begun.seam } } : chunk;
}

function certain<T>(read: T | null, device: string): T {
  if (read !== null) return read;
  throw unreadable(device);
}
