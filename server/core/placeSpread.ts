import type { HardwareGpu } from "./choose.ts";
import type { Loadable, Need, Option } from "./govern/loadable.ts";

/** How a model would be laid over GPUs; without any it is in main memory. */
export interface Spread {
  /** Each one's share of the layers: numbers in proportion. */
  readonly gpus: readonly { readonly gpu: HardwareGpu; readonly share: number }[];
  /** Layers on them, from the last; the output layer counts as one more. "all" takes it too. */
  readonly gpuLayers: number | "all";
}

/** An option, and what its engine is told so that it comes to lie there. */
export interface PlacedOption extends Option {
  readonly spread: Spread;
  /** As engines name it: "cpu", "gpu:1", or several joined by "+". */
  readonly device: string;
}

/** What is to be placed. */
export interface Placeable {
  readonly kind: Loadable["kind"];
  /** With the output layer; null: not known, so that it goes somewhere whole or not at all. */
  readonly layers: number | null;
  /** What it takes of each GPU of a spread, by uuid, and of main memory, which comes last. */
  readonly needs: (spread: Spread) => readonly Need[];
  /** Where the figures are from: "from its file, corrected by 3 loads of it, +1.2 %". */
  readonly origin: (spread: Spread) => string;
}

/** Where it is wanted. */
export interface Wish {
  /** As settings or hardware name it: "cpu", "auto", "gpu:0", "cuda:1", a GPU's uuid, or several joined by "+". */
  readonly device: string;
  /** The user named it, and no other is taken. */
  readonly isDeviceGiven: boolean;
  readonly gpuLayers: number | "all" | "auto";
  /** No GPU gives it more than this; null: as much as there is. */
  readonly limitBytes: number | null;
}

export interface Memory {
  readonly gpus: readonly HardwareGpu[];
  /** Of the GPU with this uuid, kept free of models. */
  readonly reserveBytes: (uuid: string) => number;
}
