// Makes the classifier's data from the examples beside this file: `npm run train:classifier`. The same examples give the same bytes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ACTIONS } from "../../server/core/classify/cueScores.ts";
import { type LinearModel, logits, pack, softmax } from "../../server/core/classify/linear.ts";
import { dataDigest, type Example, readCorpus } from "./corpus.ts";
import { type FitOptions, featuresFor, learnt, OPTIONS } from "./fit.ts";

const OUT = join(import.meta.dirname, "../../server/core/classify/weights.ts");

/** The model that is shipped: its temperature is found on families that it has not learnt, then it learns those too. */
export function trainedModel(options: FitOptions): LinearModel {
  const training = readCorpus("training");
  const validation = readCorpus("validation");
  const temperature = factorFor(learnt(training, options), validation, options);
  const model = learnt([...training, ...validation], options);
  return { ...model, scale: Number((model.scale * temperature).toPrecision(6)) };
}

/** The file that the product reads, as it should stand. */
export function weightsFile(): string {
  const model = trainedModel(OPTIONS);
  return `// Made by \`npm run train:classifier\` from training/classifier/data; do not edit.
/** One letter per weight, as \`linear.ts\` says. */
export const WEIGHTS =
  "${pack(model.weights)}";

export const BIAS: readonly number[] = [${model.bias.join(", ")}];

/** Logits per step of a weight, the temperature included. */
export const SCALE = ${model.scale};

/** Of the examples that it was made from; a test sees by it when they have changed since. */
export const DATA_DIGEST = "${dataDigest()}";
`;
}

/** Softmax probabilities are made honest by one temperature: the one that makes examples not learnt likeliest. */
function factorFor(model: LinearModel, examples: readonly Example[], options: FitOptions): number {
  const rows = examples.map((it) => ({
    scores: logits(model, featuresFor(it, options)),
    wanted: ACTIONS.indexOf(it.action),
  }));
  const loss = (factor: number) =>
    rows.reduce((sum, it) => sum - Math.log(softmax(it.scores.map((score) => score * factor))[it.wanted] ?? 0), 0);
  const factors = Array.from({ length: 60 }, (_, index) => 0.3 + index * 0.03);
  return factors.reduce((chosen, it) => (loss(it) < loss(chosen) ? it : chosen));
}

if (process.argv[1] === import.meta.filename) {
  const file = weightsFile();
  writeFileSync(OUT, file);
  process.stdout.write(`${OUT}: ${(file.length / 1_000).toFixed(0)} kB\n`);
}
