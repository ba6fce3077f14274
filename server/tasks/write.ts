import { createExtractor, type Extraction } from "../core/extract.ts";
import type { DraftJob } from "../core/prompt.ts";
import { throwIfAborted } from "../errors.ts";
import type { Clock, GenerateRequest, Piece } from "../ports.ts";
import type { EngineUse } from "../protocol/run.ts";
import type { Seam } from "../protocol/traffic.ts";
import type { Lease } from "../slot/lease.ts";
import type { Emit } from "../slot/state.ts";
import type { Carried } from "./carried.ts";

export interface Written {
  /** As it will stand in the file, what was forced upon the model included. */
  readonly draft: string;
  /** What of it the model wrote. */
  readonly written: string;
  readonly isCutOff: boolean;
  readonly use: EngineUse;
  /** Where other engines went on. */
  readonly seams: readonly Seam[];
}

export interface WriteInput {
  readonly job: DraftJob;
  readonly sampling: Pick<GenerateRequest, "temperature" | "topP" | "seed">;
  /** A parser will judge the draft: then even an answer without a fence may be taken for code. */
  readonly isParsed: boolean;
  readonly drafter: Carried;
  readonly clock: Clock;
  /** Draft text, in order; together it is `Written.draft`. */
  readonly onText: (text: string) => void;
  readonly emit: Emit;
}

/** One draft, streamed out as it will stand in the file; stops the engine as soon as nothing more can belong to it. */
export async function write(
  { job, sampling, isParsed, drafter, clock, onText, emit }: WriteInput,
  signal: AbortSignal,
): Promise<Written> {
  const request: GenerateRequest = {
    prompt: job.prompt,
    maxTokens: job.maxTokens,
    repeatPenalty: job.repeatPenalty,
    stop: job.stop,
    shape: null,
    ...sampling,
  };
  const meter = createMeter(drafter.lease, clock);
  const seams: Seam[] = [];
  const extractor = createExtractor(job.extraction);
  let raw = "";
  let written = "";
  let isCutOff = false;
  const give = (text: string) => {
    if (text === "") return;
    if (written === "" && job.lead !== "") onText(job.lead);
    written += text;
    onText(text);
  };
  try {
    for await (const piece of drafter.generate(request, signal)) {
      if (piece.kind === "seam") {
        const seam = { ...piece.seam, atCharacters: (job.lead + written).length };
        seams.push(seam);
        emit({ kind: "seam", seam });
        continue;
      }
      meter.see(piece);
      if (piece.kind === "done") {
        isCutOff = piece.finish === "length";
        break;
      }
      raw += piece.text;
      give(extractor.push(piece.text));
      if (extractor.isComplete) break;
    }
  } catch (error) {
    if (!signal.aborted) drafter.lease.reportFailure();
    throw error;
  }
  throwIfAborted(signal);
  give(extractor.finish());
  if (written === "" && isParsed) give(unfenced(job.extraction, raw));
  if (written !== "" && job.tail !== "") onText(job.tail);
  return { draft: written === "" ? "" : job.lead + written + job.tail, written, isCutOff, use: meter.finish(), seams };
}

/** A model that forgot the fence may still have answered with nothing but the code. */
function unfenced(extraction: Extraction, raw: string): string {
  if ((extraction.kind !== "fence" && extraction.kind !== "fencedComment") || /^\s*(```|~~~)/m.test(raw)) return "";
  const extractor = createExtractor(extraction);
  return extractor.push(`\`\`\`\n${raw.trim()}\n\`\`\`\n`) + extractor.finish();
}

/** Adds up what an engine reports; where the stream was ended early, what was seen from outside. */
export function createMeter(lease: Lease, clock: Clock) {
  const startedMs = clock.nowMs();
  let firstMs: number | null = null;
  let pieces = 0;
  let reported: { promptTokens: number; completionTokens: number; prefillMs: number; decodeMs: number } | null = null;
  return {
    see(piece: Piece): void {
      if (piece.kind === "text") {
        firstMs ??= clock.nowMs() - startedMs;
        pieces++;
        return;
      }
      const { promptTokens, completionTokens, prefillMs, decodeMs, cachedTokens } = piece;
      reported = { promptTokens, completionTokens, prefillMs, decodeMs };
      lease.report({ promptTokens: promptTokens - cachedTokens, prefillMs, completionTokens, decodeMs });
    },
    finish(): EngineUse {
      const elapsedMs = clock.nowMs() - startedMs;
      const prefillMs = firstMs ?? elapsedMs;
      const outside = { promptTokens: 0, completionTokens: pieces, prefillMs, decodeMs: elapsedMs - prefillMs };
      if (!reported) lease.report(outside);
      const seen = reported ?? outside;
      const tokensPerSecond = seen.decodeMs > 0 ? seen.completionTokens / (seen.decodeMs / 1000) : null;
      return { model: lease.engine.model, device: lease.engine.device, ...seen, ttftMs: firstMs, tokensPerSecond };
    },
  };
}
