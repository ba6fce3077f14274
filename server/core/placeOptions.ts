import { gigabytes, type HardwareGpu } from "./choose.ts";
import type { Need } from "./govern/loadable.ts";
import { splits } from "./placeSplits.ts";
import type { Memory, Placeable, PlacedOption, Spread, Wish } from "./placeSpread.ts";

/**
 * Where a model can run, the best first, by what the devices have in all: what is free at the moment is the governor's affair. A single
 * GPU, the wished one before others and those with more room before smaller ones; only what fits none goes over several; only what fits
 * nowhere whole goes to the GPUs in part; only what has no GPU goes to the processor. Models for vectors can always go there too. Never
 * empty: what fits nowhere has the option that comes nearest, and whoever asks for it hears how much is missing.
 */
export function optionsFor(model: Placeable, wish: Wish, memory: Memory): readonly PlacedOption[] {
  const ctx: Context = { model, wish, memory, fits: (spread) => fitsIn(model.needs(spread), wish, memory) };
  const named = wish.device.split("+").flatMap((it) => memory.gpus.find((gpu) => isNamed(gpu, it)) ?? []);
  if (wish.gpuLayers === 0 || (wish.device === "cpu" && (wish.isDeviceGiven || model.kind !== "writer")))
    return [onCpu(ctx, wish.isDeviceGiven ? "as the settings say" : CHEAP_ON_CPU)];
  if (wish.isDeviceGiven && wish.device !== "auto" && named.length === 0) return [onUnknown(ctx)];
  const isChoosing = !wish.isDeviceGiven || wish.device === "auto";
  const candidates = isChoosing ? [...new Set([...named, ...bySize(memory.gpus)])] : named;
  const found = onGpus(ctx, candidates, isChoosing ? "each" : "together");
  if (model.kind !== "writer") return [...found, onCpu(ctx, CHEAP_ON_CPU)];
  if (found.length > 0) return found;
  if (isChoosing || candidates.length === 0) return [onCpu(ctx, reasonForCpu(memory.gpus))];
  return [onSpread(ctx, togetherOn(candidates, ctx), "it has no room there: the settings name the device")];
}

/** What the searches below work with. */
interface Context {
  readonly model: Placeable;
  readonly wish: Wish;
  readonly memory: Memory;
  readonly fits: (spread: Spread) => boolean;
}

const CHEAP_ON_CPU = "vectors are cheap enough on the processor, and the GPUs are for who writes";

function onGpus(ctx: Context, candidates: readonly HardwareGpu[], how: "each" | "together"): readonly PlacedOption[] {
  const gpuLayers = layersOf(ctx);
  if (how === "together" && candidates.length > 1) {
    const whole = togetherOn(candidates, ctx);
    if (ctx.fits(whole)) return [onSpread(ctx, whole, "on the cards that the settings name")];
  } else {
    const single = candidates.map((gpu) => ({ gpus: [{ gpu, share: 1 }], gpuLayers })).filter(ctx.fits);
    if (single.length > 0) return single.map((it) => onSpread(ctx, it, `on ${sizeOf(it.gpus[0]?.gpu)}`));
    const split = splits(candidates, roomIn(ctx), gpuLayers).find((these) => these.some(ctx.fits));
    if (split && how === "each")
      return split
        .filter(ctx.fits)
        .map((it) => onSpread(ctx, it, `over ${cardsOf(it)}, since no card alone has room for it`));
  }
  const part = ctx.wish.gpuLayers === "auto" ? inPart(ctx, candidates) : null;
  return part ? [part] : [];
}

/** As many layers as fit, if it is any, on all of one make; the others are in main memory. */
function inPart(ctx: Context, candidates: readonly HardwareGpu[]): PlacedOption | null {
  const { layers } = ctx.model;
  if (layers === null || candidates.length === 0) return null;
  const make = candidates[0]?.vendor;
  const { gpus } = togetherOn(
    candidates.filter((it) => it.vendor === make),
    ctx,
  );
  let most = 0;
  let high = layers - 1;
  while (most < high) {
    const middle = Math.ceil((most + high) / 2);
    if (ctx.fits({ gpus, gpuLayers: middle })) most = middle;
    else high = middle - 1;
  }
  if (most === 0) return null;
  const where = `${most} of ${layers} layers on ${cardsOf({ gpus })}`;
  return onSpread(
    ctx,
    { gpus, gpuLayers: most },
    `${where}, the others in main memory: slow, but whole it fits nowhere`,
  );
}

/** By what each has room for. */
function togetherOn(gpus: readonly HardwareGpu[], ctx: Context): Spread {
  const room = roomIn(ctx);
  const useful = gpus.filter((it) => room(it) > 0);
  const cards = useful.length > 0 ? useful : gpus.slice(0, 1);
  return { gpus: cards.map((gpu) => ({ gpu, share: Math.max(1, room(gpu)) })), gpuLayers: layersOf(ctx) };
}

function roomIn({ wish, memory }: Context): (gpu: HardwareGpu) => number {
  return (gpu) => Math.max(0, roomOf(gpu, wish, memory));
}

function layersOf({ wish }: Context): number | "all" {
  return wish.gpuLayers === "auto" ? "all" : wish.gpuLayers;
}

function fitsIn(needs: readonly Need[], wish: Wish, memory: Memory): boolean {
  return needs.every(({ device, bytes }) => {
    const gpu = memory.gpus.find((it) => it.uuid === device);
    return gpu === undefined || bytes <= roomOf(gpu, wish, memory);
  });
}

function roomOf({ uuid, vramBytes }: HardwareGpu, { limitBytes }: Wish, { reserveBytes }: Memory): number {
  return Math.min(vramBytes - reserveBytes(uuid), limitBytes ?? Number.POSITIVE_INFINITY);
}

function onSpread({ model, memory }: Context, spread: Spread, why: string): PlacedOption {
  const cards = spread.gpus.map((it) => it.gpu);
  const isPart = spread.gpuLayers !== "all" && spread.gpuLayers < (model.layers ?? Number.POSITIVE_INFINITY);
  return {
    id: [...cards.map((it) => it.uuid), ...(isPart ? ["cpu"] : [])].join("+"),
    needs: withMain(model.needs(spread), cards),
    why: `${why}; ${model.origin(spread)}`,
    spread,
    device: deviceOf(cards, memory.gpus),
  };
}

/** Apple's GPU has no memory of its own: what lies there is taken of main memory too, and has to have room in both. */
function withMain(needs: readonly Need[], cards: readonly HardwareGpu[]): readonly Need[] {
  const isShared = (device: string) => cards.some((it) => it.vendor === "apple" && it.uuid === device);
  const sharedBytes = needs.reduce((sum, it) => sum + (isShared(it.device) ? it.bytes : 0), 0);
  if (sharedBytes === 0) return needs;
  const main = needs.reduce((sum, it) => sum + (it.device === "cpu" ? it.bytes : 0), sharedBytes);
  return [...needs.filter((it) => it.device !== "cpu"), { device: "cpu", bytes: main }];
}

function onCpu({ model }: Context, why: string): PlacedOption {
  const spread: Spread = { gpus: [], gpuLayers: 0 };
  const from = model.origin(spread);
  return { id: "cpu", needs: model.needs(spread), why: `in main memory: ${why}; ${from}`, spread, device: "cpu" };
}

/** Nothing is known of the device, so that nothing can be held against it. */
function onUnknown({ wish }: Context): PlacedOption {
  const why = "as the settings say; no reading shows this device, so its memory is not reckoned with";
  return { id: wish.device, needs: [], why, spread: { gpus: [], gpuLayers: "all" }, device: wish.device };
}

/** A lone card is left to the engine to find; of several each is told by its name. */
function deviceOf(cards: readonly HardwareGpu[], all: readonly HardwareGpu[]): string {
  if (cards.length === all.length && cards.length === 1) return cards[0]?.id ?? "cpu";
  return cards.map((it) => it.id).join("+");
}

/** "cuda:1" and "gpu:1" are NVIDIA's second card by slot; Vulkan counts in an order of its own. */
export function isNamed(gpu: HardwareGpu, device: string): boolean {
  const [kind, index] = device.split(":");
  const isNumbered = (kind === "cuda" || kind === "gpu") && gpu.vendor === "nvidia" && index === String(gpu.index);
  return gpu.id === device || gpu.uuid === device || isNumbered;
}

function bySize(gpus: readonly HardwareGpu[]): readonly HardwareGpu[] {
  return gpus.toSorted((a, b) => b.vramBytes - a.vramBytes);
}

function reasonForCpu(gpus: readonly HardwareGpu[]): string {
  return gpus.length === 0 ? "there is no GPU that models can be put on" : "no GPU has room for it";
}

function cardsOf({ gpus }: Pick<Spread, "gpus">): string {
  const [first, ...others] = gpus;
  return others.length === 0 ? sizeOf(first?.gpu) : gpus.map((it) => sizeOf(it.gpu)).join(" and ");
}

function sizeOf(gpu: HardwareGpu | undefined): string {
  return gpu ? `${gpu.name} (${gigabytes(gpu.vramBytes)})` : "no card";
}
