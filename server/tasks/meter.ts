import type { Clock, Piece } from "../ports.ts";
import type { EngineUse } from "../protocol/run.ts";
import type { Lease } from "../slot/lease.ts";

/** Adds up what an engine reports; where the stream was ended early, what was seen from outside. */
export interface Meter {
  see(piece: Piece): void;
  /** It did what was wanted of it, and its rates hear of that. */
  finish(): EngineUse;
  /** It broke: what it did until then, of which its rates hear nothing. */
  breakOff(): EngineUse;
}

export function createMeter(lease: Lease, clock: Clock): Meter {
  const startedMs = clock.nowMs();
  let firstMs: number | null = null;
  let pieces = 0;
  let reported: { promptTokens: number; completionTokens: number; prefillMs: number; decodeMs: number } | null = null;

  function fromOutside() {
    const elapsedMs = clock.nowMs() - startedMs;
    const prefillMs = firstMs ?? elapsedMs;
    return { promptTokens: 0, completionTokens: pieces, prefillMs, decodeMs: elapsedMs - prefillMs };
  }

  function use(seen: ReturnType<typeof fromOutside>): EngineUse {
    const tokensPerSecond = seen.decodeMs > 0 ? seen.completionTokens / (seen.decodeMs / 1000) : null;
    return { model: lease.engine.model, device: lease.engine.device, ...seen, ttftMs: firstMs, tokensPerSecond };
  }

  return {
    see(piece) {
      if (piece.kind === "text") {
        firstMs ??= clock.nowMs() - startedMs;
        pieces++;
        return;
      }
      const { promptTokens, completionTokens, prefillMs, decodeMs, cachedTokens } = piece;
      reported = { promptTokens, completionTokens, prefillMs, decodeMs };
      lease.report({ promptTokens: promptTokens - cachedTokens, prefillMs, completionTokens, decodeMs });
    },
    finish() {
      if (reported) return use(reported);
      const outside = fromOutside();
      lease.report(outside);
      return use(outside);
    },
    breakOff: () => use(reported ?? fromOutside()),
  };
}
