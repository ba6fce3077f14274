import { ACTIONS, cueShares } from "../../server/core/classify/cueScores.ts";
import { BUCKETS, type Features, featuresOf } from "../../server/core/classify/features.ts";
import { type LinearModel, MOST_WEIGHT, softmax } from "../../server/core/classify/linear.ts";
import { read } from "../../server/core/classify/reading.ts";
import type { Example } from "./corpus.ts";
import { createRandom, shuffled } from "./random.ts";

export interface FitOptions {
  readonly epochs: number;
  readonly rate: number;
  /** Strength of L2. */
  readonly decay: number;
  /** Whether the cue list's scores are among the features. */
  readonly cues: "with" | "without";
}

export const OPTIONS: FitOptions = { epochs: 8, rate: 0.15, decay: 1e-3, cues: "with" };

interface Row {
  readonly features: Features;
  readonly wanted: number;
  readonly weight: number;
}

const CLASSES = ACTIONS.length;
const SEED = 7;
/** Share of the weights that are kept in full; the few that are larger are cut off. */
const KEPT_SHARE = 0.999;

/** What the classifier sees of an example. */
export function featuresFor(
  { instruction, errorCount }: Pick<Example, "instruction" | "errorCount">,
  { cues }: FitOptions,
) {
  const reading = read(instruction);
  return featuresOf(reading, { errorCount, cues: cues === "with" ? cueShares(reading.plain) : [] });
}

/** Multinomial logistic regression by AdaGrad; the same examples give the same model, bit for bit. */
export function learnt(examples: readonly Example[], options: FitOptions): LinearModel {
  const random = createRandom(SEED);
  const rows = rowsOf(examples, options, random);
  const weights = new Float64Array((BUCKETS + 1) * CLASSES);
  const squares = new Float64Array(weights.length).fill(0.1);
  for (let epoch = 0; epoch < options.epochs; epoch++)
    for (const row of shuffled(rows, random)) learn(row, { weights, squares, options });
  return quantised(weights);
}

interface State {
  readonly weights: Float64Array;
  readonly squares: Float64Array;
  readonly options: FitOptions;
}

function learn({ features, wanted, weight }: Row, { weights, squares, options }: State): void {
  const { buckets, values } = features;
  const sums = Array.from({ length: CLASSES }, (_, at) => weights[BUCKETS * CLASSES + at] ?? 0);
  for (let index = 0; index < buckets.length; index++) {
    const row = (buckets[index] ?? 0) * CLASSES;
    for (let at = 0; at < CLASSES; at++) sums[at] = (sums[at] ?? 0) + (values[index] ?? 0) * (weights[row + at] ?? 0);
  }
  const errors = softmax(sums).map((it, at) => weight * (it - (at === wanted ? 1 : 0)));
  const step = (place: number, gradient: number) => {
    squares[place] = (squares[place] ?? 0) + gradient * gradient;
    weights[place] = (weights[place] ?? 0) - (options.rate * gradient) / Math.sqrt(squares[place] ?? 1);
  };
  for (let index = 0; index < buckets.length; index++) {
    const row = (buckets[index] ?? 0) * CLASSES;
    for (let at = 0; at < CLASSES; at++)
      step(row + at, (values[index] ?? 0) * (errors[at] ?? 0) + options.decay * (weights[row + at] ?? 0));
  }
  for (let at = 0; at < CLASSES; at++) step(BUCKETS * CLASSES + at, errors[at] ?? 0);
}

/** Every example, again in lower case, and again with a slip of the fingers; errors in the code come with any request. */
function rowsOf(examples: readonly Example[], options: FitOptions, random: () => number): Row[] {
  const perAction = new Map<string, number>();
  for (const { action } of examples) perAction.set(action, (perAction.get(action) ?? 0) + 1);
  return examples.flatMap((example) => {
    const { instruction, action } = example;
    const wanted = ACTIONS.indexOf(action);
    const weight = Math.sqrt(examples.length / CLASSES / (perAction.get(action) ?? 1));
    const row = (text: string, errorCount: number, share: number): Row => ({
      features: featuresFor({ instruction: text, errorCount }, options),
      wanted,
      weight: weight * share,
    });
    const errorCount =
      example.errorCount > 0 ? example.errorCount : random() < (action === "fix" ? 0.35 : 0.15) ? 1 : 0;
    const rows = [row(instruction, errorCount, 1)];
    // Once without the cue list, so that the words are learnt where it already knows the answer.
    if (options.cues === "with")
      rows.push({
        ...row(instruction, errorCount, 0.7),
        features: featuresFor({ instruction, errorCount }, { ...options, cues: "without" }),
      });
    if (instruction !== instruction.toLowerCase()) rows.push(row(instruction.toLowerCase(), errorCount, 0.5));
    if (random() < 0.4) rows.push(row(slipped(instruction.toLowerCase(), random), errorCount, 0.5));
    return rows;
  });
}

/** One letter left out, doubled or swapped with its neighbour. */
function slipped(text: string, random: () => number): string {
  const at = 1 + Math.floor(random() * Math.max(1, Math.min(text.length, 40) - 2));
  const kind = Math.floor(random() * 3);
  if (kind === 0) return text.slice(0, at) + text.slice(at + 1);
  if (kind === 1) return text.slice(0, at) + (text[at] ?? "") + text.slice(at);
  return text.slice(0, at) + (text[at + 1] ?? "") + (text[at] ?? "") + text.slice(at + 2);
}

/** In steps, as many as a letter holds. */
function quantised(weights: Float64Array): LinearModel {
  const own = weights.subarray(0, BUCKETS * CLASSES);
  const sizes = Array.from(own, Math.abs).sort((a, b) => a - b);
  const scale = (sizes[Math.floor(sizes.length * KEPT_SHARE)] ?? 1) / MOST_WEIGHT;
  const round = (it: number) => Math.max(-MOST_WEIGHT, Math.min(MOST_WEIGHT, Math.round(it / scale)));
  const bias = Array.from(weights.subarray(BUCKETS * CLASSES), (it) => Math.round((it / scale) * 100) / 100);
  return { weights: Int8Array.from(own, round), bias, scale };
}
