// Makes the classifier's data from the examples beside this file: `npm run train:classifier`. The same examples give the same bytes.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ACTIONS } from "../../server/core/classify/cueScores.ts";
import { type LinearModel, logits, pack, softmax } from "../../server/core/classify/linear.ts";
import { type Example, readCorpus } from "./corpus.ts";
import { featuresFor, OPTIONS, train } from "./fit.ts";

const OUT = join(import.meta.dirname, "../../server/core/classify/weights.ts");

/** The file that the product reads, as it should stand: examples in, text out. */
export function weightsFile(): string {
  const model = calibrated(train(readCorpus("."), OPTIONS), readCorpus("heldout"));
  const packed = pack(model.weights);
  const digest = createHash("sha256").update(packed).digest("hex").slice(0, 16);
  return [
    "// Made by `npm run train:classifier` from training/classifier/data; do not edit.",
    `/** One letter per weight, as \`linear.ts\` says; sha256 begins ${digest}. */`,
    `export const WEIGHTS =\n  "${packed}";`,
    `export const BIAS: readonly number[] = [${model.bias.join(", ")}];`,
    `/** Logits per step of a weight, the temperature included. */\nexport const SCALE = ${model.scale};`,
    "",
  ]
    .join("\n\n")
    .replace("edit.\n\n", "edit.\n")
    .replace(". */\n\nexport const WEIGHTS", ". */\nexport const WEIGHTS")
    .replace(/\n\n$/, "\n");
}

/** Softmax probabilities are made honest by one temperature: the one that makes the held-out families likeliest. */
export function calibrated(model: LinearModel, heldOut: readonly Example[]): LinearModel {
  const rows = heldOut.map((it) => ({
    scores: logits(model, featuresFor(it, OPTIONS)),
    wanted: ACTIONS.indexOf(it.action),
  }));
  const loss = (factor: number) =>
    rows.reduce((sum, it) => sum - Math.log(softmax(it.scores.map((score) => score * factor))[it.wanted] ?? 0), 0);
  const factors = Array.from({ length: 60 }, (_, index) => 0.3 + index * 0.03);
  const best = factors.reduce((chosen, it) => (loss(it) < loss(chosen) ? it : chosen));
  return { ...model, scale: Number((model.scale * best).toPrecision(6)) };
}

if (process.argv[1] === import.meta.filename) {
  const file = weightsFile();
  writeFileSync(OUT, file);
  process.stdout.write(`${OUT}: ${(file.length / 1_000).toFixed(0)} kB\n`);
}
