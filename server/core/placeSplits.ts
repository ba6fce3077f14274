import type { HardwareGpu } from "./choose.ts";
import type { Spread } from "./placeSpread.ts";

/** At most so many ways over the same number of cards are worth trying. */
const MOST_WAYS = 6;

/**
 * Ways to lay a model over several cards, by how many they are: two first, for every card more waits for one more. Like cards share
 * evenly, since the slowest sets the pace; where there are not enough of them, unlike ones of one make share by the room they have.
 */
export function splits(
  gpus: readonly HardwareGpu[],
  roomOf: (gpu: HardwareGpu) => number,
  gpuLayers: Spread["gpuLayers"],
): readonly (readonly Spread[])[] {
  const makes = [...new Set(gpus.map((it) => it.vendor))].map((make) => gpus.filter((it) => it.vendor === make));
  const most = Math.max(0, ...makes.map((it) => it.length));
  return Array.from({ length: Math.max(0, most - 1) }, (_, nth) =>
    makes
      .flatMap((cards) => [...evenly(cards, nth + 2).map(shared), ...unevenly(cards, roomOf, nth + 2)])
      .slice(0, MOST_WAYS)
      .map((cards): Spread => ({ gpus: cards, gpuLayers })),
  );
}

type Cards = Spread["gpus"];

/** So many like cards each. Neighbours by slot: they are likelier to share a switch. */
export function evenly(gpus: readonly HardwareGpu[], count: number): readonly (readonly HardwareGpu[])[] {
  const kinds = new Set(gpus.map(kindOf));
  return [...kinds].flatMap((kind) => {
    const like = gpus.filter((it) => kindOf(it) === kind).toSorted((a, b) => a.index - b.index);
    return Array.from({ length: Math.floor(like.length / count) }, (_, group) =>
      like.slice(group * count, (group + 1) * count),
    );
  });
}

function shared(gpus: readonly HardwareGpu[]): Cards {
  return gpus.map((gpu) => ({ gpu, share: 1 }));
}

/** The largest of them, if they are not all alike. */
function unevenly(gpus: readonly HardwareGpu[], roomOf: (gpu: HardwareGpu) => number, count: number): readonly Cards[] {
  const largest = gpus
    .filter((it) => roomOf(it) > 0)
    .toSorted((a, b) => roomOf(b) - roomOf(a))
    .slice(0, count);
  const isUnlike = new Set(largest.map(kindOf)).size > 1;
  return largest.length === count && isUnlike ? [largest.map((gpu) => ({ gpu, share: roomOf(gpu) }))] : [];
}

function kindOf({ name, vramBytes }: HardwareGpu): string {
  return `${name} ${vramBytes}`;
}
