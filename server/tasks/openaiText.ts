import type { ReadChunk } from "../core/openai/chunkReader.ts";
import type { Relay } from "../ports.ts";
import type { Usage } from "../protocol/openai.ts";
import type { Lease } from "../slot/lease.ts";
import type { OpenAiDeps } from "./deps.ts";
import { granted, refusalError } from "./granted.ts";
import type { TextEmit, TextRequest, TextResult } from "./openaiApi.ts";
import { openaiEngine } from "./openaiEngine.ts";
import { openaiRelay, unreadable } from "./openaiRelay.ts";
import { openaiWrite } from "./openaiWrite.ts";
import { withCeiling } from "./withCeiling.ts";

/** Finds an engine and lets it answer: as it stands where the engine speaks OpenAI's API, translated otherwise. */
export async function openaiText<Chunk extends { usage?: Usage | null | undefined }, Whole>(
  request: TextRequest<Chunk, Whole>,
  deps: OpenAiDeps,
  emit: TextEmit<Chunk>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { api, body, weighed, asked } = request;
  const hopeless = asked.kind === "refused" ? refusalError(asked) : null;
  const wanted = { method: api.method, model: body.model, use: "write", ...weighed, hopeless } as const;
  const { lease, decision } = await openaiEngine(wanted, deps, emit.event, signal);
  using _turn = lease;
  const ceiling = withCeiling(signal, deps.settings);
  const { clock } = deps;
  const { relay, model } = lease.engine;
  if (relay) return await relayed(request, { relay, lease, clock, emit, sink: deps.sink }, ceiling);
  const head = {
    id: `${api.idPrefix}${decision.id}`,
    created: Math.floor(decision.atMs / 1000),
    model: model.id,
  };
  return await openaiWrite(request, { asked: granted(asked), head, lease, clock, emit }, ceiling);
}

interface Relaying<Chunk> extends Pick<OpenAiDeps, "clock" | "sink"> {
  readonly relay: Relay;
  readonly lease: Lease;
  readonly emit: TextEmit<Chunk>;
}

async function relayed<Chunk extends { usage?: Usage | null | undefined }, Whole>(
  { api, body }: TextRequest<Chunk, Whole>,
  { emit, sink, ...given }: Relaying<Chunk>,
  signal: AbortSignal,
): Promise<TextResult<Whole>> {
  const { device } = given.lease.engine;
  let usage: Usage | null = null;
  const onChunk = ({ json, body }: ReadChunk) => {
    const chunk = body && certain(api.readChunk(body), device);
    usage = chunk?.usage ?? usage;
    if (sink) sink.send(json);
    else emit.chunk(chunk ?? certain(api.readChunk(JSON.parse(json)), device));
  };
  const room = () => sink?.room() ?? null;
  const answer = await openaiRelay({ ...given, request: { path: api.path, body }, onChunk, room }, signal);
  if (answer.kind === "streamed") return { kind: "streamed", usage };
  return { kind: "whole", body: certain(api.readWhole(answer.body), device) };
}

function certain<T>(read: T | null, device: string): T {
  if (read !== null) return read;
  throw unreadable(device);
}
