/** One load: what was reckoned for a device, and what it turned out to take. */
export interface Measured {
  readonly estimatedBytes: number;
  readonly measuredBytes: number;
}

/** What earlier loads say about the next estimate. */
export interface Correction {
  /** The estimate times this. */
  readonly factor: number;
  /** It never needs less: so much was seen. */
  readonly leastBytes: number;
  /** Loads it was learnt from: of the same model loaded the same way, of other models on this device, or none. */
  readonly origin:
    | { readonly kind: "same"; readonly loads: number }
    | { readonly kind: "others"; readonly loads: number }
    | { readonly kind: "none" };
}

/**
 * What is added to an estimate of which nothing was measured yet. Weights, keys and values are exact; compute buffers and the driver's
 * own memory are not (`estimateCompute.ts`), so a tenth is added, but no more than llama.cpp's own `--fit` leaves free of each device.
 */
const UNPROVEN_SHARE = 0.1;
const MOST_UNPROVEN_BYTES = 1024 ** 3;

/** Other models' loads say something about this one from here on. */
const LEAST_OTHERS = 3;

export const UNPROVEN: Correction = { factor: 1 + UNPROVEN_SHARE, leastBytes: 0, origin: { kind: "none" } };

/**
 * The 95th percentile of measured to estimated. `same` are loads of this model with these options on this device; `others` are all loads
 * on this device, which count only where there is none of these, and never make an estimate smaller.
 */
export function correctionOf(same: readonly Measured[], others: readonly Measured[]): Correction {
  if (same.length > 0) {
    const leastBytes = Math.max(...same.map((it) => it.measuredBytes));
    return { factor: percentile95(same), leastBytes, origin: { kind: "same", loads: same.length } };
  }
  if (others.length < LEAST_OTHERS) return UNPROVEN;
  const factor = Math.max(1, percentile95(others));
  return { factor, leastBytes: 0, origin: { kind: "others", loads: others.length } };
}

/** What a device should have free for a load that is estimated to take `bytes` of it. */
export function corrected(bytes: number, { factor, leastBytes }: Correction): number {
  const more = bytes * (factor - 1);
  // Beyond the bound only what was measured on this very load counts.
  const bounded = leastBytes > 0 ? more : Math.min(more, MOST_UNPROVEN_BYTES);
  return Math.max(Math.ceil(bytes + bounded), leastBytes);
}

/** The largest estimate that, not measured yet, would be let into so much room. */
export function provenRoom(roomBytes: number): number {
  return Math.max(roomBytes / (1 + UNPROVEN_SHARE), roomBytes - MOST_UNPROVEN_BYTES);
}

/** For people: where the figure comes from. */
export function originText({ factor, origin }: Correction): string {
  const percent = `${factor < 1 ? "" : "+"}${((factor - 1) * 100).toFixed(1)} %`;
  switch (origin.kind) {
    case "same":
      return `corrected by ${loads(origin.loads)} of it, ${percent}`;
    case "others":
      return `corrected by ${loads(origin.loads)} of other models here, ${percent}`;
    case "none":
      return "never measured here, so a tenth is added, 1 GB at most";
  }
}

function loads(count: number): string {
  return count === 1 ? "1 load" : `${count} loads`;
}

/** By nearest rank; of fewer than twenty it is the largest. */
function percentile95(measured: readonly Measured[]): number {
  const ratios = measured.map((it) => it.measuredBytes / it.estimatedBytes).toSorted((a, b) => a - b);
  return ratios[Math.ceil(ratios.length * 0.95) - 1] ?? 1;
}
