import { createExtractor, type Extraction } from "../core/extract.ts";
import type { DraftJob } from "../core/prompt.ts";
import { unveiled } from "../core/prompts/veil.ts";
import { throwIfAborted } from "../errors.ts";
import type { GenerateRequest } from "../ports.ts";
import type { EngineUse } from "../protocol/run.ts";
import type { Seam } from "../protocol/traffic.ts";
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
  /** Draft text, in order; together it is `Written.draft`. */
  readonly onText: (text: string) => void;
  readonly emit: Emit;
}

/** One draft, streamed out as it will stand in the file; stops the engine as soon as nothing more can belong to it. */
export async function write(
  { job, sampling, isParsed, drafter, onText, emit }: WriteInput,
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
  for await (const piece of drafter.generate(request, signal)) {
    if (piece.kind === "done") {
      isCutOff = piece.finish === "length";
      break;
    }
    if (piece.kind === "seam") {
      const seam = { ...piece.seam, atCharacters: (job.lead + written).length };
      seams.push(seam);
      emit({ kind: "seam", seam });
    }
    if (piece.kind !== "text") continue;
    const text = unveiled(job, piece.text);
    raw += text;
    give(extractor.push(text));
    if (extractor.isComplete) break;
  }
  throwIfAborted(signal);
  give(extractor.finish());
  if (written === "" && isParsed) give(unfenced(job.extraction, raw));
  if (written !== "" && job.tail !== "") onText(job.tail);
  return { draft: written === "" ? "" : job.lead + written + job.tail, written, isCutOff, use: drafter.used(), seams };
}

/** A model that forgot the fence may still have answered with nothing but the code. */
function unfenced(extraction: Extraction, raw: string): string {
  if ((extraction.kind !== "fence" && extraction.kind !== "fencedComment") || /^\s*(```|~~~)/m.test(raw)) return "";
  const extractor = createExtractor(extraction);
  return extractor.push(`\`\`\`\n${raw.trim()}\n\`\`\`\n`) + extractor.finish();
}
