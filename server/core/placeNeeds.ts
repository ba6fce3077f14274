import { type Correction, corrected, originText } from "./correction.ts";
import { type DeviceEstimate, estimate } from "./estimate.ts";
import type { LoadPlan } from "./estimatePlan.ts";
import type { Need } from "./govern/loadable.ts";
import type { EstimatedModel } from "./memoryShape.ts";
import type { Placeable, Spread } from "./placeSpread.ts";

/** A model whose file, or whose published widths, say what it takes. */
export interface Reckoned {
  readonly kind: Placeable["kind"];
  readonly model: EstimatedModel;
  /** All that decides about memory besides where it lies. */
  readonly plan: (spread: Spread) => LoadPlan;
  /** A smaller model that drafts ahead, by the same plan; null: none. */
  readonly draft: EstimatedModel | null;
  /** What else lies where its last layers do: adapters, and what makes pictures into tokens. */
  readonly besideBytes: number;
  /** What it takes of one GPU as the user has it; null: as it is reckoned. */
  readonly needBytes: number | null;
  /** What was learnt of this load on this device, a GPU's uuid or "cpu". */
  readonly correction: (device: string, plan: LoadPlan) => Correction;
  /** "its file". */
  readonly from: string;
}

/** Needs by the estimate of every device, each corrected by what was measured there. */
export function reckonedPlaceable(reckoned: Reckoned): Placeable {
  const { kind, model, draft, besideBytes, plan, needBytes, correction, from } = reckoned;
  return {
    kind,
    layers: model.layers.length + 1,
    needs(spread) {
      const planned = plan(spread);
      const holder = planned.gpus.at(-1)?.id ?? "cpu";
      const needs = estimate(model, planned, draft).devices.map((it) => {
        const beside = it.device === holder ? besideBytes : 0;
        return needOf({ ...it, totalBytes: it.totalBytes + beside }, correction(it.device, planned));
      });
      return needBytes === null || spread.gpuLayers !== "all" ? needs : overridden(needs, needBytes, spread);
    },
    origin(spread) {
      const device = spread.gpus[0]?.gpu.uuid;
      if (needBytes !== null && device !== undefined && spread.gpuLayers === "all") return "as the configuration says";
      return `reckoned from ${from}, ${originText(correction(device ?? "cpu", plan(spread)))}`;
    },
  };
}

function needOf({ device, totalBytes }: DeviceEstimate, correction: Correction): Need {
  return { device, bytes: totalBytes === 0 ? 0 : corrected(totalBytes, correction) };
}

function overridden(needs: readonly Need[], needBytes: number, { gpus }: Spread): readonly Need[] {
  const whole = gpus.reduce((sum, it) => sum + it.share, 0);
  return needs.map((need) => {
    const card = gpus.find((it) => it.gpu.uuid === need.device);
    return card ? { ...need, bytes: Math.ceil((needBytes * card.share) / whole) } : need;
  });
}

/** What an engine needs beside a file of which nothing else is known: keys, values and buffers of a small model, and the driver's own. */
const BESIDE_BYTES = 1_200_000_000;
/** In main memory there is no driver. */
const BESIDE_CPU_BYTES = 600_000_000;

/** A model whose file does not say what it takes: by its size, whole in one place. */
export function roughPlaceable(kind: Placeable["kind"], fileBytes: number): Placeable {
  return {
    kind,
    layers: null,
    needs({ gpus }) {
      if (gpus.length === 0) return [{ device: "cpu", bytes: fileBytes + BESIDE_CPU_BYTES }];
      const whole = gpus.reduce((sum, it) => sum + it.share, 0);
      return gpus.map(({ gpu, share }) => ({
        device: gpu.uuid,
        bytes: Math.ceil((fileBytes * share) / whole) + BESIDE_BYTES,
      }));
    },
    origin: () => "guessed by the size of its file, which does not say more",
  };
}
