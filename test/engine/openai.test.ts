import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ChatChunk, ChatEvent } from "../../server/protocol/openai.ts";
import { chat, complete, embeddings } from "../../server/protocol/requests.ts";
import { startOrchestrator, type TestClient, type TestOrchestrator } from "../server/orchestrator.ts";
import { ensureTinyLlama } from "../setup/tinyllama.ts";

let orchestrator: TestOrchestrator;
let client: TestClient;

before(async () => {
  const signal = new AbortController().signal;
  const { path } = await ensureTinyLlama((line) => void process.stderr.write(`${line}\n`), signal);
  orchestrator = await startOrchestrator();
  client = await orchestrator.connect({ draft: { model: `file:${path}` }, embed: { model: `file:${path}` } });
});

after(() => orchestrator[Symbol.asyncDispose]());

test("a real model's stream: the role, its words, a reason, and tokens that were really counted", async () => {
  const chunks: ChatChunk[] = [];
  const onEvent = (event: ChatEvent) => {
    if (event.kind === "chunk") chunks.push(event.chunk);
  };
  const messages = [
    { role: "developer" as const, content: "You are brief." },
    { role: "user" as const, content: "Say hello." },
  ];
  const sampling = { temperature: 0, max_completion_tokens: 8, seed: 1 };
  const result = await client.send(chat, { model: "auto", messages, stream: true, ...sampling }, { onEvent });
  assert.equal(chunks[0]?.choices?.[0]?.delta?.role, "assistant");
  assert.match(chunks.map((it) => it.choices?.[0]?.delta?.content ?? "").join(""), /\w/);
  assert.match(chunks.at(-1)?.choices?.[0]?.finish_reason ?? "", /^(stop|length)$/);
  const usage = result.kind === "streamed" ? result.usage : null;
  assert.ok(usage && usage.prompt_tokens > 10 && usage.completion_tokens >= 1 && usage.completion_tokens <= 8);
});

test("a JSON object is one, however small the model", async () => {
  const messages = [{ role: "user" as const, content: 'Repeat: {"a": 1}' }];
  const response_format = { type: "json_object" };
  const asked = { model: "auto", messages, response_format, temperature: 0, max_tokens: 64 };
  const result = await client.send(chat, asked);
  const [choice] = result.kind === "whole" ? result.body.choices : [];
  assert.equal(choice?.finish_reason, "stop");
  assert.equal(typeof JSON.parse(String(choice?.message?.content)), "object");
});

test("a text is continued as it stands", async () => {
  const asked = { model: "auto", prompt: "1, 2, 3, 4, 5, 6,", max_tokens: 6, temperature: 0 };
  const result = await client.send(complete, asked);
  assert.match(String(result.kind === "whole" && result.body.choices?.[0]?.text), /7/);
});

test("a conversation longer than the context is refused with its size, by the engine that counted it", async () => {
  const messages = [{ role: "user" as const, content: "one two three ".repeat(1_500) }];
  await assert.rejects(client.send(chat, { model: "auto", messages }), /context/);
});

test("vectors of the same words are the same, of other words others", async () => {
  const list = await client.send(embeddings, { model: "auto", input: ["red", "green", "red"] });
  const [red, green, again] = list.data.map((it) => it.embedding);
  assert.deepEqual(red, again);
  assert.notDeepEqual(red, green);
  assert.ok(list.usage.prompt_tokens >= 3);
});
