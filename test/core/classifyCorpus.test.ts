import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIONS } from "../../server/core/classify/cueScores.ts";
import { DATA_DIGEST } from "../../server/core/classify/weights.ts";
import { classify } from "../../server/core/classify.ts";
import { dataDigest, keyOf, readCorpus } from "../../training/classifier/corpus.ts";
import { featuresFor, learnt, OPTIONS } from "../../training/classifier/fit.ts";
import { accuracy, calibrationError, type Judged, wilson } from "../../training/classifier/measure.ts";

const training = readCorpus("training");
const validation = readCorpus("validation");
const heldOut = readCorpus("heldout");

test("no family and no sentence that is measured with was learnt", () => {
  const families = new Set([...training, ...validation].map((it) => it.family));
  const sentences = new Set([...training, ...validation].map(keyOf));
  assert.deepEqual(
    heldOut.filter((it) => families.has(it.family) || sentences.has(keyOf(it))).map((it) => it.instruction),
    [],
  );
});

test("there is enough of everything to learn from", () => {
  assert.ok(new Set(training.map(keyOf)).size >= 2_500);
  assert.ok(new Set(training.map((it) => it.family)).size >= 150);
  for (const action of ACTIONS) assert.ok(heldOut.filter((it) => it.action === action).length >= 30, action);
});

test("the weights were made from the examples as they are: else run `npm run train:classifier`", () => {
  assert.equal(DATA_DIGEST, dataDigest());
});

test("at least nine in ten requests of families that were never learnt are understood, and confidence means what it says", () => {
  const judged: Judged[] = heldOut.map((example) => ({
    example,
    ...classify({ action: null, instruction: example.instruction, targetLines: 10, errorCount: example.errorCount }),
  }));
  const { right, all, share } = accuracy(judged);
  const missed = judged.filter((it) => it.action !== it.example.action);
  assert.ok(share >= 0.9, `${right} of ${all}: ${missed.map((it) => it.example.instruction).join(" | ")}`);
  assert.ok(calibrationError(judged) <= 0.05);
});

test("learning the same twice gives the same model, bit for bit, and one that knows what it learnt", () => {
  const few = training.filter((_, index) => index % 20 === 0);
  const first = learnt(few, { ...OPTIONS, epochs: 2 });
  assert.deepEqual(learnt(few, { ...OPTIONS, epochs: 2 }), first);
  assert.notDeepEqual(learnt(few.slice(1), { ...OPTIONS, epochs: 2 }).weights, first.weights);
});

test("features are bounded, however long and strange a request is", () => {
  const strange = [
    "a ".repeat(100_000),
    "(".repeat(100_000),
    "你".repeat(100_000),
    "x\n".repeat(50_000),
    "`".repeat(99_999),
  ];
  for (const instruction of strange)
    assert.ok(featuresFor({ instruction, errorCount: 0 }, OPTIONS).buckets.length < 3_000);
});

test("Wilson's interval is the published one", () => {
  // Newcombe (1998), table I: 81 of 263.
  const [low, high] = wilson(81, 263);
  assert.deepEqual([low.toFixed(4), high.toFixed(4)], ["0.2553", "0.3662"]);
});
