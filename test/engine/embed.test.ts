import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { Embeddings, Engine } from "../../server/ports.ts";
import { ask, textRequest } from "../backends/ask.ts";
import { openTiny } from "./open.ts";
import { LONG_PROMPT } from "./prompts.ts";

/**
 * The small model is no embedder: what its vectors mean is not looked at, only that they are vectors, whose they are, and how the
 * engine behaves.
 */
const never = new AbortController().signal;
/** TinyLlama's width. */
const DIMENSIONS = 2_048;

let engine: Engine;
before(async () => {
  engine = await openTiny({ use: "embed", contextTokens: 256 });
});
after(() => engine?.[Symbol.asyncDispose]());

test("vectors in order, one per text, of length 1, the same for the same text", async () => {
  const texts = ["const a = 1;", "a cat on a mat 🦙", "const a = 1;"];
  const { vectors, promptTokens } = await embed(texts);
  assert.equal(vectors.length, texts.length);
  for (const vector of vectors) {
    assert.equal(vector.length, DIMENSIONS);
    assert.ok(vector.every(Number.isFinite));
    assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-5);
  }
  assert.deepEqual(vectors[0], vectors[2]);
  assert.notDeepEqual(vectors[0], vectors[1]);
  assert.ok(promptTokens > texts.length);
  const turned = await embed([texts[1] ?? "", texts[0] ?? ""]);
  assert.deepEqual(turned.vectors, [vectors[1], vectors[0]]);
});

test("no texts, no vectors", async () => {
  assert.deepEqual(await embed([]), { vectors: [], promptTokens: 0 });
});

test("a text that is too long is named, and nothing was begun", async () => {
  await assert.rejects(embed(["short", LONG_PROMPT, "short"]), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "context-length");
    assert.match(error.message, /^Text 2 of 3 has \d+ tokens; the model's context holds 256$/);
    assert.equal(error.details?.index, 1);
    return true;
  });
  assert.equal((await embed(["short"])).vectors.length, 1);
});

test("an empty text is named", async () => {
  await assert.rejects(
    embed(["short", ""]),
    (error) => error instanceof TandemError && error.code === "bad-input" && /^Text 2 of 2/.test(error.message),
  );
});

test("cancelled between two texts: it is free for the next", async () => {
  const controller = new AbortController();
  const texts = Array.from({ length: 500 }, (_, at) => `let value${at} = ${at};`);
  const made = embed(texts, controller.signal);
  setImmediate(() => controller.abort());
  await assert.rejects(made, (error) => error instanceof TandemError && error.code === "cancelled");
  assert.equal((await embed(["short"])).vectors.length, 1);
});

test("it writes no text, and says so", async () => {
  await assert.rejects(
    ask(engine, textRequest("x")),
    (error) => error instanceof TandemError && /makes vectors, not text/.test(error.message),
  );
  assert.equal((await embed(["short"])).vectors.length, 1);
});

test("an engine opened for writing makes no vectors", async () => {
  await using writer = await openTiny();
  assert.equal(writer.embed, null);
});

test("vectors are made while another engine writes, and neither waits for the other", async () => {
  await using writer = await openTiny();
  const order: string[] = [];
  let vectors: Promise<unknown> | null = null;
  for await (const piece of writer.generate(textRequest("Count: 1 2 3 4", { maxTokens: 48 }), never)) {
    vectors ??= embed(["a short text"]).then(() => order.push("vectors"));
    if (piece.kind === "done") order.push("written");
  }
  await vectors;
  assert.deepEqual(order, ["vectors", "written"]);
});

test("what made them is known by the file's content, over restarts", async () => {
  await using again = await openTiny({ use: "embed", contextTokens: 256 });
  assert.match(engine.vectorSource ?? "", /^gguf:[0-9a-f]{32}$/);
  assert.equal(again.vectorSource, engine.vectorSource);
});

async function embed(texts: readonly string[], signal: AbortSignal = never): Promise<Embeddings> {
  assert.ok(engine.embed !== null);
  return engine.embed(texts, signal);
}
