import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { estimate } from "../../server/core/estimate.ts";
import { toKnownModel } from "../../server/core/estimateKnown.ts";
import { toEstimatedModel } from "../../server/core/estimateModel.ts";
import { DEFAULT_PLAN } from "../../server/core/estimatePlan.ts";
import { Catalogue, catalogue } from "../../server/models/catalogue.ts";
import { readGgufModel } from "../../server/models/ggufModel.ts";
import { modelShapes } from "../setup/modelShapes.ts";
import { writeSparseModel } from "../setup/sparseModel.ts";
import { makePlace } from "./place.ts";

for (const entry of catalogue)
  test(`${entry.id} is told how big it is, what it may be used for and what it must hash to`, () => {
    assert.ok(entry.sha256 !== null);
    assert.ok(entry.contextTokens <= entry.maxContextTokens);
    // An eight-bit model has a bit more than a byte per parameter, a four-bit one than half, a two-bit one than a quarter.
    const bytesPerParameter = entry.bytes / (entry.parametersB * 1e9);
    assert.ok(bytesPerParameter > 0.25 && bytesPerParameter < 1.1, String(bytesPerParameter));
    for (const source of entry.sources) {
      // A branch could change under us: the file is named by its commit.
      if (source.kind === "url") assert.match(source.url, /\/resolve\/[0-9a-f]{40}\/[^/]+\.gguf$/);
      else
        assert.equal(
          source.packages.reduce((sum, it) => sum + it.bytes, 0),
          entry.bytes,
        );
    }
  });

for (const { id, shape, kvBytesPerToken, parametersB } of catalogue)
  test(`${id}: its widths make up its parameters, and its keys and values`, () => {
    assert.ok(shape);
    const { layers, width, heads, kvHeads, headWidth, feedForward, vocabulary, expertsUsed } = shape;
    assert.equal(kvBytesPerToken, 2 * 2 * layers * kvHeads * headWidth);
    // Of a mixture most parameters are in experts, whose number nothing here depends on.
    if (expertsUsed !== null) return;
    const attention = 2 * width * headWidth * (heads + kvHeads);
    const least = layers * (attention + 3 * width * feedForward) + vocabulary * width;
    const isTied = least / (parametersB * 1e9) > 0.95;
    const parameters = least + (isTied ? 0 : vocabulary * width);
    assert.ok(Math.abs(parameters / (parametersB * 1e9) - 1) < 0.06, `${parameters / 1e9} billions`);
  });

test("what is reckoned from published widths is what a file of that shape says", async () => {
  await using place = await makePlace();
  const path = join(place.folder, "qwen.gguf");
  await writeSparseModel(path, modelShapes.qwen7b);
  const file = await readGgufModel(path, new AbortController().signal);
  const real = toEstimatedModel(file);
  const entry = catalogue.find((it) => it.id === "qwen2.5-coder-7b");
  assert.ok(entry?.shape && !("kind" in real));
  const known = toKnownModel({ bytes: file.fileBytes, maxContextTokens: entry.maxContextTokens, shape: entry.shape });
  const plan = { ...DEFAULT_PLAN, contextTokens: 8_192, gpus: [{ id: "gpu", share: 1 }] };
  const [there, here] = [estimate(real, plan), estimate(known, plan)].map((it) => it.devices[0]?.terms);
  assert.deepEqual([here?.keys, here?.values, here?.compute], [there?.keys, there?.values, there?.compute]);
  assert.ok(Math.abs((here?.weights ?? 0) - file.fileBytes) < 1);
});

test("one model is for trying out, and it alone needs nothing but npm", () => {
  assert.deepEqual(
    catalogue.filter((it) => it.isTrial).map((it) => it.id),
    catalogue.filter((it) => it.sources.some((source) => source.kind === "npm")).map((it) => it.id),
  );
});

const [first] = catalogue;
const faults: readonly { name: string; entry: object }[] = [
  { name: "an id that leaves the folder", entry: { id: "../x" } },
  { name: "a hash that is none", entry: { sha256: "abc" } },
  { name: "no source", entry: { sources: [] } },
  { name: "an address that is none", entry: { sources: [{ kind: "url", url: "file:///etc/passwd" }] } },
  {
    name: "a package name that is an argument",
    entry: { sources: [{ kind: "npm", packages: [{ name: "--registry=x", version: "1.0.0", file: "m", bytes: 1 }] }] },
  },
];
for (const it of faults)
  test(`refused: ${it.name}`, () => assert.equal(Catalogue.safeParse([{ ...first, ...it.entry }]).success, false));
test("refused: the same id twice", () => assert.equal(Catalogue.safeParse([first, first]).success, false));
