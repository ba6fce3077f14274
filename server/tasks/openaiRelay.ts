import type { ReadChunk } from "../core/openai/chunkReader.ts";
import { isWriting, type Reported, reportOf } from "../core/openai/relayed.ts";
import { TandemError, throwIfAborted } from "../errors.ts";
import type { Clock } from "../ports.ts";
import type { Relay, RelayRequest } from "../relaying.ts";
import type { Lease } from "../slot/lease.ts";
import { isEnginesFault } from "./fault.ts";

/** An answer's JSON, whatever is in it. */
export type Body = Readonly<Record<string, unknown>>;

export interface Relaying {
  readonly relay: Relay;
  readonly request: RelayRequest;
  readonly lease: Lease;
  readonly clock: Clock;
  /** Chunks of a stream as they come, with this engine's name for the model. */
  readonly onChunk: (chunk: ReadChunk) => void;
  /** Null: who reads the answer has room for more. */
  readonly room: () => Promise<void> | null;
}

export type Relayed = { readonly kind: "whole"; readonly body: Body } | { readonly kind: "streamed" };

/** Passes a request on as it is, and the answer back; rates come from what the server reports. */
export async function openaiRelay(given: Relaying, signal: AbortSignal): Promise<Relayed> {
  const { relay, request, lease } = given;
  try {
    const startedMs = given.clock.nowMs();
    const reply = await relay({ answersAs: lease.engine.model.id, ...request }, signal);
    if (reply.kind === "whole") {
      const body = named(reply.body, lease);
      report(lease, reportOf(body), { prefillMs: null, decodeMs: null });
      return { kind: "whole", body };
    }
    await stream(given, reply.chunks, startedMs);
    throwIfAborted(signal);
    return { kind: "streamed" };
  } catch (error) {
    if (!signal.aborted && isEnginesFault(error)) lease.reportFailure(error);
    throw error;
  }
}

async function stream(
  { lease, clock, onChunk, room }: Relaying,
  chunks: AsyncIterable<readonly ReadChunk[]>,
  startedMs: number,
): Promise<void> {
  let firstMs: number | null = null;
  let pieces = 0;
  let reported: Reported | null = null;
  for await (const together of chunks) {
    for (const chunk of together) {
      const { body } = chunk;
      if (body === null || isWriting(body)) {
        firstMs ??= clock.nowMs();
        pieces++;
      }
      if (body) reported = reportOf(body) ?? reported;
      onChunk(chunk);
    }
    await room();
  }
  const endedMs = clock.nowMs();
  const seen = { prefillMs: (firstMs ?? endedMs) - startedMs, decodeMs: endedMs - (firstMs ?? endedMs) };
  const counted = { promptTokens: 0, cachedTokens: 0, completionTokens: pieces, prefillMs: null, decodeMs: null };
  report(lease, reported ?? counted, seen);
}

/** For the engine's rates. A whole answer without timings says that the engine works, and not how fast. */
function report(
  lease: Lease,
  reported: Reported | null,
  seen: { readonly prefillMs: number | null; readonly decodeMs: number | null },
): void {
  const prefillMs = reported?.prefillMs ?? seen.prefillMs;
  const decodeMs = reported?.decodeMs ?? seen.decodeMs;
  lease.report({
    promptTokens: reported && prefillMs !== null ? reported.promptTokens - reported.cachedTokens : 0,
    prefillMs: prefillMs ?? 0,
    completionTokens: reported && decodeMs !== null ? reported.completionTokens : 0,
    decodeMs: decodeMs ?? 0,
  });
}

/** Everything as the server said it, but for the model's name: a client may be asking for it again by that. */
function named(body: unknown, { engine }: Lease): Body {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return { ...body, model: engine.model.id };
  throw unreadable(engine.device);
}

export function unreadable(device: string): TandemError {
  return new TandemError(
    "provider",
    `The answer of ${device} is not in OpenAI's format`,
    "Look at the server's own log, and check the endpoint's address",
  );
}
