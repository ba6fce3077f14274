import type { VllmSource } from "../core/assign.ts";
import type { VllmModel } from "../core/estimateVllm.ts";
import type { Loadable, Option } from "../core/govern/loadable.ts";
import type { Memory } from "../core/placeSpread.ts";
import { vllmOptions } from "../core/placeVllm.ts";
import type { VllmSpec } from "../engineSpec.ts";
import { TandemError } from "../errors.ts";
import { readVllmFolder, vllmFolder } from "../models/vllmFolder.ts";

/** What vLLM takes for a model, and what it is told so that it takes no more. */
export interface VllmNeeds {
  readonly loadable: Omit<Loadable, "key">;
  specOf(option: Option): Pick<VllmSpec, "cards" | "memoryShare" | "contextTokens">;
}

/** What engines are asked for where nobody says anything else. */
const CONTEXT_TOKENS = 8_192;
/** A card's context, PyTorch's start, the profiling run and the capture of graphs: vLLM's own log tells 30 to 60 s for a 7B model. */
const START_MS = 45_000;
const READ_BYTES_PER_S = 250_000_000;
/** Requests that vLLM batches; its own limit (`--max-num-seqs`) is higher, and its cache decides. */
const SLOTS = 8;

/** Throws TandemError: no-memory with the reason, not-configured, bad-input for a folder that is none. */
export async function vllmNeeds(source: VllmSource, memory: Memory, signal: AbortSignal): Promise<VllmNeeds> {
  const folder = await vllmFolder(source.source, process.env);
  const model = folder === null ? null : await readVllmFolder(folder, signal);
  const contextTokens = source.contextTokens ?? Math.min(CONTEXT_TOKENS, model?.maxContextTokens ?? CONTEXT_TOKENS);
  const { device, memoryShare, terms } = source;
  const { limitBytes } = terms;
  const options = vllmOptions({ model, device, contextTokens, memoryShare, limitBytes }, memory);
  if ("kind" in options) throw new TandemError(options.code, `${source.model}: ${options.message}`, options.nextStep);
  const [first] = options;
  if (!first) throw new Error("vLLM has options, or is refused");
  return {
    loadable: {
      label: source.model,
      kind: source.use === "embed" ? "embedder" : "writer",
      options: options.map(({ id, needs, why }) => ({ id, needs, why })),
      slots: SLOTS,
      loadMs: START_MS + loadingMs(model),
      weight: terms.weight,
    },
    specOf(option) {
      const { cards, memoryShare: share } = options.find((it) => it.id === option.id) ?? first;
      const tied = cards.map(({ uuid, vendor, index }) => ({ uuid, vendor, index }));
      return { cards: tied, memoryShare: share, contextTokens };
    },
  };
}

function loadingMs(model: VllmModel | null): number {
  return model === null ? 0 : (model.weightBytes / READ_BYTES_PER_S) * 1_000;
}
