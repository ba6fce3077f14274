import { gigabytes, type HardwareGpu } from "./choose.ts";
import { estimateVllm, type VllmModel } from "./estimateVllm.ts";
import type { Option } from "./govern/loadable.ts";
import { isNamed } from "./placeOptions.ts";
import { evenly } from "./placeSplits.ts";
import type { Memory } from "./placeSpread.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** An option, and what vLLM is told so that it takes no more. */
export interface VllmOption extends Option {
  readonly cards: readonly HardwareGpu[];
  readonly memoryShare: number;
}

export interface VllmWish {
  /** Null: its folder is not on this machine, so that nothing is known of it. */
  readonly model: VllmModel | null;
  /** "auto", or cards joined by "+". */
  readonly device: string;
  readonly contextTokens: number;
  readonly memoryShare: number | null;
  /** No card gives it more than this; null: as much as there is. */
  readonly limitBytes: number | null;
}

/** Tensor parallel sizes that divide the heads of nearly all models. */
const RANKS = [2, 4, 8];
/** vLLM's own default of `--gpu-memory-utilization`. */
const USUAL_SHARE = 0.9;

/**
 * Where vLLM can run a model: on one card, and over several like ones only where it fits none. It takes its share at the start and keeps
 * it, so that this is what it needs. Refused with the reason of the card that comes nearest.
 */
export function vllmOptions(wish: VllmWish, memory: Memory): readonly VllmOption[] | Refusal {
  const names = wish.device.split("+");
  const nvidia = memory.gpus.filter((it) => it.vendor === "nvidia");
  const isChoosing = wish.device === "auto";
  const named = names.flatMap((name) => nvidia.find((it) => isNamed(it, name)) ?? []);
  const candidates = isChoosing ? nvidia.toSorted((a, b) => b.vramBytes - a.vramBytes) : named;
  if (candidates.length === 0 || (!isChoosing && named.length < names.length))
    return refuse(
      "not-configured",
      isChoosing ? "vLLM needs an NVIDIA card, and none is to be seen" : `There is no NVIDIA card "${wish.device}"`,
      "Run `tandem doctor` to see the cards, or use a GGUF file, which runs without one",
    );
  const groups = isChoosing
    ? [candidates.map((it) => [it]), ...RANKS.map((ranks) => evenly(candidates, ranks))]
    : [[candidates]];
  let why = "";
  for (const group of groups) {
    const tried = group.map((cards) => optionOn(cards, wish, memory));
    const found = tried.filter((it) => typeof it !== "string");
    if (found.length > 0) return found;
    why = tried.find((it) => typeof it === "string") ?? why;
  }
  const nextStep = "Ask for a shorter context, take a quantised version of the model, or name more cards of one kind";
  return refuse("no-memory", `vLLM cannot hold the model: ${why}`, nextStep);
}

function optionOn(cards: readonly HardwareGpu[], wish: VllmWish, memory: Memory): VllmOption | string {
  const { model, memoryShare, contextTokens, limitBytes } = wish;
  // Each takes the same share, so the smallest decides.
  const totalBytes = Math.min(...cards.map((it) => it.vramBytes));
  const reserved = Math.max(...cards.map((it) => memory.reserveBytes(it.uuid)));
  const reserveBytes = Math.max(reserved, totalBytes - (limitBytes ?? totalBytes));
  const id = cards.map((it) => it.uuid).join("+");
  const option = (share: number, why: string): VllmOption => ({
    id,
    needs: cards.map((it) => ({ device: it.uuid, bytes: Math.ceil(share * it.vramBytes) })),
    why: `on ${cards.map((it) => `${it.name} (${gigabytes(it.vramBytes)})`).join(" and ")}: ${why}`,
    cards,
    memoryShare: share,
  });
  if (model === null) {
    const most = Math.floor((100 * (totalBytes - reserveBytes)) / totalBytes) / 100;
    if (most <= 0) return "the card is smaller than the reserve that is kept free";
    return option(
      memoryShare ?? Math.min(USUAL_SHARE, most),
      "as much as vLLM usually takes, its files are not here yet",
    );
  }
  const found = estimateVllm(model, { contextTokens, ranks: cards.length, totalBytes, reserveBytes, memoryShare });
  if (typeof found === "string") return found;
  const given = memoryShare === null ? "the least that holds" : "as the settings say, which holds";
  return option(found.memoryShare, `${given} its weights and ${found.cacheTokens} tokens of context`);
}
