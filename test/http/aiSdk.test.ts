import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, embedMany, generateText, jsonSchema, streamText, tool } from "ai";
import { createGate } from "../fakes/openaiScript.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor } from "./door.ts";

/** Vercel's SDK, a door, and a model server behind it. */
async function stage(options: FakeOptions, apiKey = KEY) {
  const fake = await startFakeLlama(options);
  const door = await startDoor({ draft: { endpoint: fake.url } });
  const provider = createOpenAICompatible({ name: "tandem", baseURL: `${door.url}/v1`, apiKey, includeUsage: true });
  return {
    provider,
    fake,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

test("text, with what it used", async () => {
  await using it = await stage({ reply: () => "Good day" });
  const { text, usage, finishReason } = await generateText({ model: it.provider("auto"), prompt: "hello" });
  assert.equal(text, "Good day");
  assert.equal(finishReason, "stop");
  assert.ok((usage.outputTokens ?? 0) > 0);
});

test("text as it is written", async () => {
  await using it = await stage({ reply: () => ({ pieces: ["one ", "two ", "three"] }) });
  const { textStream, usage } = streamText({ model: it.provider("auto"), prompt: "count" });
  assert.deepEqual(await Array.fromAsync(textStream), ["one ", "two ", "three"]);
  assert.equal((await usage).outputTokens, 3);
});

test("a tool is called with what the model gave", async () => {
  await using it = await stage({
    reply: () => ({ toolCalls: [{ name: "weather", arguments: { place: "Ulm" } }] }),
  });
  const weather = tool({
    description: "The weather at a place",
    inputSchema: jsonSchema<{ place: string }>({ type: "object", properties: { place: { type: "string" } } }),
    execute: async ({ place }) => `rain in ${place}`,
  });
  const { toolResults } = await generateText({ model: it.provider("auto"), prompt: "weather?", tools: { weather } });
  assert.deepEqual(
    toolResults.map((result) => result.output),
    ["rain in Ulm"],
  );
});

test("vectors", async () => {
  await using it = await stage({ reply: () => "", embed: (texts) => texts.map((_, index) => [index, 1]) });
  const model = it.provider.embeddingModel("fake-coder");
  const { embeddings } = await embedMany({ model, values: ["one", "two"] });
  assert.deepEqual(embeddings, [
    [0, 1],
    [1, 1],
  ]);
});

test("leaving reaches the model's server", async () => {
  const gate = createGate();
  await using it = await stage({ reply: () => ({ pieces: ["one ", "two "], beforePiece: gate.wait }) });
  const leaving = new AbortController();
  const { textStream } = streamText({
    model: it.provider("auto"),
    prompt: "count",
    abortSignal: leaving.signal,
    onError: () => undefined,
  });
  gate.open(1);
  for await (const _ of textStream) leaving.abort();
  const asked = await it.fake.nextRequest();
  await asked.clientLeft;
});

test("a wrong key is told apart from a broken server", async () => {
  await using it = await stage({ reply: () => "" }, "wrong");
  await assert.rejects(generateText({ model: it.provider("auto"), prompt: "hello", maxRetries: 0 }), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 401);
    assert.equal(error.isRetryable, false);
    assert.match(error.message, /API key/);
    return true;
  });
});
