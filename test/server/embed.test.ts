import assert from "node:assert/strict";
import { test } from "node:test";
import type { EmbeddingsEvent, EmbeddingsParams } from "../../server/protocol/openai.ts";
import { embeddings, status } from "../../server/protocol/requests.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startLocal } from "./localModels.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

/** A vector that tells which text it is of. */
const vector = (text: string) => [text.length, -0.5, 1e-3];

test("vectors come in the texts' order, 32 texts at a time, and are counted", async () => {
  await using local = await startLocal({ vector });
  const client = await local.connect({ embed: { model: await local.model("vectors") } });
  const input = Array.from({ length: 70 }, (_, at) => "x".repeat(at + 1));
  const list = await client.send(embeddings, { model: "auto", input });
  assert.deepEqual(
    local.engines.batches.map((it) => it.length),
    [32, 32, 6],
  );
  assert.deepEqual(
    list.data.map(({ object, index, embedding }) => [object, index, embedding]),
    input.map((text, index) => ["embedding", index, vector(text)]),
  );
  assert.deepEqual([list.object, list.usage], ["list", { prompt_tokens: 70, total_tokens: 70 }]);
  assert.equal(local.engines.opened[0]?.use, "embed");
});

test("base64 is little-endian floats of 32 bits", async () => {
  await using local = await startLocal({ vector });
  const client = await local.connect({ embed: { model: await local.model("vectors") } });
  const list = await client.send(embeddings, { model: "auto", input: "abc", encoding_format: "base64" });
  const [first] = list.data;
  const bytes = Buffer.from(typeof first?.embedding === "string" ? first.embedding : "", "base64");
  assert.deepEqual(
    [bytes.length, bytes.readFloatLE(0), bytes.readFloatLE(4), bytes.readFloatLE(8)],
    [12, 3, -0.5, Math.fround(1e-3)],
  );
});

const relayed: readonly { name: string; more: Partial<EmbeddingsParams>; want: number[] }[] = [
  { name: "tokens of one text", more: { input: [1, 22, 333] }, want: [8] },
  { name: "tokens of several texts", more: { input: [[1], [22, 333]] }, want: [1, 6] },
  { name: "fewer dimensions", more: { input: ["ab", "c"], dimensions: 2 }, want: [2, 1] },
  { name: "a parameter that only the server knows", more: { input: "abc", input_type: "query" }, want: [3] },
];

for (const { name, more, want } of relayed)
  test(`only a server of its own can do this, and it is asked in the same words: ${name}`, async () => {
    await using orchestrator = await startOrchestrator();
    const bodies: Record<string, unknown>[] = [];
    await using fake = await startFakeLlama({
      models: ["vectors"],
      reply: () => "no",
      embed(texts, body) {
        bodies.push(body);
        return texts.map(vector);
      },
    });
    const client = await orchestrator.connect({ embed: { endpoint: fake.url } });
    const list = await client.send(embeddings, { model: "auto", input: "", encoding_format: "base64", ...more });
    const lengths = list.data.map((it) =>
      Buffer.from(typeof it.embedding === "string" ? it.embedding : "", "base64").readFloatLE(0),
    );
    assert.deepEqual(lengths, want);
    assert.equal(list.model, "vectors");
    assert.deepEqual([bodies[0]?.dimensions, bodies[0]?.input_type], [more.dimensions, more.input_type]);

    await using local = await startLocal({ vector });
    const other = await local.connect({ embed: { model: await local.model("vectors") } });
    const failure = await failureOf(other.send(embeddings, { model: "auto", input: "", ...more }));
    assert.equal(failure.code, "bad-request");
    assert.match(failure.nextStep, /tandem\.embed\.endpoint/);
  });

test("the decision names the engine that makes them", async () => {
  await using local = await startLocal({ vector });
  const model = await local.model("vectors");
  const client = await local.connect({ embed: { model } });
  const events: EmbeddingsEvent[] = [];
  await client.send(embeddings, { model: "auto", input: "abc" }, { onEvent: (event) => events.push(event) });
  const decisions = events.flatMap((it) => (it.kind === "decision" ? [it.decision] : []));
  assert.deepEqual(
    decisions.map((it) => [it.engine, it.model, it.tier, it.candidates.length]),
    [["embed", model, null, 1]],
  );
});

test("without an engine for vectors it is said how to get one", async () => {
  await using local = await startLocal({});
  const model = await local.model("writer");
  const client = await local.connect({ draft: { model } });
  const failure = await failureOf(client.send(embeddings, { model: "auto", input: "abc" }));
  assert.equal(failure.code, "not-configured");
  assert.match(failure.nextStep, /tandem\.embed/);
  const named = await failureOf(client.send(embeddings, { model, input: "abc" }));
  assert.deepEqual([named.code, named.details?.param], ["bad-request", "model"]);
});

test("a server that makes no vectors says so, and is not thought broken for it", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => "no" });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const failure = await failureOf(client.send(embeddings, { model: "auto", input: "abc" }));
  assert.equal(failure.code, "not-configured");
  assert.match(failure.nextStep, /--embeddings/);
  assert.equal((await client.send(status, {})).engines[0]?.failures, 0);
});

const wrong = [
  { name: "no input", params: { model: "auto" } },
  { name: "an empty text", params: { model: "auto", input: "" } },
  { name: "no texts", params: { model: "auto", input: [] } },
  { name: "texts and tokens mixed", params: { model: "auto", input: ["a", 1] } },
  { name: "more texts than OpenAI takes", params: { model: "auto", input: Array(2_049).fill("a") } },
  { name: "an unknown encoding", params: { model: "auto", input: "a", encoding_format: "hex" } },
];

for (const { name, params } of wrong)
  test(`refused: ${name}`, async () => {
    await using local = await startLocal({ vector });
    const client = await local.connect({ embed: { model: await local.model("vectors") } });
    assert.equal((await failureOf(client.send(embeddings, params as never))).code, "bad-request");
  });
