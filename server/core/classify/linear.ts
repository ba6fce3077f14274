import { ACTIONS } from "./cueScores.ts";
import { BUCKETS, type Features } from "./features.ts";

/** A multinomial logistic regression over hashed features, six bits per weight. */
export interface LinearModel {
  /** `BUCKETS` rows of one weight per action. */
  readonly weights: Int8Array;
  /** One per action, in the same unit as `weights`. */
  readonly bias: readonly number[];
  /** What one step of a weight adds to a logit, calibration included. */
  readonly scale: number;
}

const CLASSES = ACTIONS.length;

/** One number per action before they are made probabilities. */
export function logits({ weights, bias, scale }: LinearModel, { buckets, values }: Features): number[] {
  const sums = [...bias];
  for (let index = 0; index < buckets.length; index++) {
    const row = (buckets[index] ?? 0) * CLASSES;
    const value = values[index] ?? 0;
    for (let at = 0; at < CLASSES; at++) sums[at] = (sums[at] ?? 0) + value * (weights[row + at] ?? 0);
  }
  return sums.map((it) => it * scale);
}

/** Probabilities that sum to 1. */
export function softmax(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const powers = scores.map((it) => Math.exp(it - highest));
  const total = powers.reduce((sum, it) => sum + it, 0);
  return powers.map((it) => it / total);
}

/** How much each feature speaks for action `best` and against action `second`, in logits. */
export function margins(model: LinearModel, { buckets, values }: Features, [best, second]: readonly [number, number]) {
  const { weights, scale } = model;
  return buckets.map((bucket, index) => {
    const row = bucket * CLASSES;
    return scale * (values[index] ?? 0) * ((weights[row + best] ?? 0) - (weights[row + second] ?? 0));
  });
}

/** One letter per weight, in the order of their values: base64's alphabet, of which each letter is one byte in any file. */
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The largest weight that a letter stands for; the smallest is its negative. */
export const MOST_WEIGHT = 31;

/** The weights that `pack` wrote as text. Throws a plain Error when it is none of its texts. */
export function unpack(packed: string): Int8Array {
  if (packed.length !== BUCKETS * CLASSES)
    throw new Error(`The classifier's data has ${packed.length} weights instead of ${BUCKETS * CLASSES}`);
  const values = new Int8Array(128);
  for (const [index, letter] of [...LETTERS].entries()) values[letter.charCodeAt(0)] = index - MOST_WEIGHT;
  return Int8Array.from({ length: packed.length }, (_, at) => values[packed.charCodeAt(at)] ?? 0);
}

/** The inverse of `unpack`: weights from -31 to 31, one letter each. */
export function pack(weights: Int8Array): string {
  return Array.from(weights, (it) => LETTERS[it + MOST_WEIGHT]).join("");
}
