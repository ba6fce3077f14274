import assert from "node:assert/strict";
import { test } from "node:test";
import type { ChatChunk, ChatEvent, ChatParams } from "../../server/protocol/openai.ts";
import { chat } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startLocal } from "./localModels.ts";
import { failureOf } from "./orchestrator.ts";

const HELLO = [{ role: "user" as const, content: "What is a monad?" }];

test("a whole answer is OpenAI's chat completion", async () => {
  await using local = await startLocal({ reply: () => "A burrito." });
  const model = await local.model("tiny-1b");
  const client = await local.connect({ draft: { model } });
  const result = await client.send(chat, { model: "auto", messages: HELLO });
  const { id, created, ...body } = result.kind === "whole" ? result.body : assert.fail();
  assert.match(id ?? "", /^chatcmpl-[\w-]{20,}$/);
  assert.ok(Math.abs((created ?? 0) - Date.now() / 1000) < 60);
  assert.deepEqual(body, {
    object: "chat.completion",
    model,
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "A burrito.", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13, prompt_tokens_details: { cached_tokens: 3 } },
  });
});

test("a stream opens with the role, brings the text, ends with a reason, and counts where it was asked to", async () => {
  await using local = await startLocal({ reply: () => "A burrito." });
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const chunks: ChatChunk[] = [];
  const onEvent = (event: ChatEvent) => {
    if (event.kind === "chunk") chunks.push(event.chunk);
  };
  const stream_options = { include_usage: true };
  const result = await client.send(chat, { model: "auto", messages: HELLO, stream: true, stream_options }, { onEvent });
  assert.deepEqual(
    chunks.map(({ choices, usage }) => [choices?.[0]?.delta, choices?.[0]?.finish_reason, usage?.total_tokens]),
    [
      [{ role: "assistant", content: "", refusal: null }, null, undefined],
      [{ content: "A" }, null, undefined],
      [{ content: " burrito." }, null, undefined],
      [{}, "stop", undefined],
      [undefined, undefined, 13],
    ],
  );
  assert.deepEqual(chunks.at(-1)?.choices, []);
  assert.ok(chunks.slice(0, -1).every((it) => it.usage === null));
  assert.equal(new Set(chunks.map((it) => `${it.id} ${it.created} ${it.object}`)).size, 1);
  assert.ok(result.kind === "streamed" && result.usage?.total_tokens === 13);
});

test("messages and sampling in the engine's terms, with OpenAI's defaults", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const messages: ChatParams["messages"] = [
    { role: "developer", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "text", text: "What is " },
        { type: "text", text: "a monad?" },
      ],
    },
    { role: "assistant", content: null },
    { role: "user", content: "Well?" },
  ];
  await client.send(chat, { model: "auto", messages });
  await client.send(chat, {
    model: "auto",
    messages: HELLO,
    temperature: 0.3,
    top_p: 0.5,
    seed: -7,
    stop: "END",
    max_tokens: 5,
    max_completion_tokens: 3,
  });
  const [first, second] = local.engines.requests;
  const { deadlineMs, hasSuccessor, ...asked } = first ?? assert.fail();
  assert.deepEqual([typeof deadlineMs, typeof hasSuccessor], ["number", "boolean"]);
  assert.deepEqual(asked, {
    prompt: {
      kind: "chat",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "What is a monad?" },
        { role: "assistant", content: "" },
        { role: "user", content: "Well?" },
      ],
    },
    maxTokens: 8_192,
    temperature: 1,
    topP: 1,
    repeatPenalty: 1,
    seed: null,
    stop: [],
    shape: null,
  });
  const { maxTokens, temperature, topP, seed, stop } = second ?? assert.fail();
  assert.deepEqual([maxTokens, temperature, topP, seed, stop], [3, 0.3, 0.5, 7, ["END"]]);
});

test("an answer that the limit cut off says so", async () => {
  await using local = await startLocal({ reply: () => "one two three four" });
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const result = await client.send(chat, { model: "auto", messages: HELLO, max_tokens: 2 });
  const [choice] = result.kind === "whole" ? result.body.choices : [];
  assert.deepEqual([choice?.message?.content, choice?.finish_reason], ["one two", "length"]);
});

const tool = { type: "function", function: { name: "f" } };
const beyond: readonly { param: string; more: Partial<ChatParams> }[] = [
  { param: "tools", more: { tools: [tool] } },
  { param: "functions", more: { functions: [tool.function] } },
  { param: "n", more: { n: 2 } },
  { param: "logprobs", more: { logprobs: true } },
  { param: "audio", more: { audio: { voice: "alloy" } } },
  { param: "modalities", more: { modalities: ["text", "audio"] } },
  { param: "response_format", more: { response_format: { type: "json_schema", json_schema: {} } } },
  { param: "messages[1]", more: { messages: [...HELLO, { role: "tool", content: "42", tool_call_id: "a" }] } },
  { param: "messages[0]", more: { messages: [{ role: "assistant", tool_calls: [{ id: "a", type: "function" }] }] } },
  {
    param: "messages[0].content[1]",
    more: { messages: [{ role: "user", content: [{ type: "text", text: "?" }, { type: "image_url" }] }] },
  },
];

for (const { param, more } of beyond)
  test(`what an embedded engine cannot do is refused by name: ${param}`, async () => {
    await using local = await startLocal({});
    const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
    const failure = await failureOf(client.send(chat, { model: "auto", messages: HELLO, ...more }));
    assert.deepEqual([failure.code, failure.details?.param], ["bad-request", param]);
    assert.match(failure.message, /cannot do/);
    assert.match(failure.nextStep, /set an endpoint/);
    assert.equal(local.engines.requests.length, 0);
  });

test("defaults that clients spell out ask for nothing", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const result = await client.send(chat, {
    model: "auto",
    messages: HELLO,
    stream: false,
    n: 1,
    tools: [],
    logprobs: false,
    stop: null,
    frequency_penalty: 0,
    logit_bias: {},
    modalities: ["text"],
    response_format: { type: "text" },
    temperature: null,
    user: "me",
  });
  assert.equal(result.kind, "whole");
});

test("what changes nothing is said to change nothing", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const notices: string[] = [];
  const onEvent = (event: ChatEvent) => {
    if (event.kind === "notice") notices.push(event.message);
  };
  await client.send(chat, { model: "auto", messages: HELLO, presence_penalty: 0.5 }, { onEvent });
  assert.deepEqual(notices, ["presence_penalty has no effect on tiny-1b"]);
});

test("a JSON object is asked for with a grammar", async () => {
  await using local = await startLocal({ reply: () => "{}" });
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  await client.send(chat, { model: "auto", messages: HELLO, response_format: { type: "json_object" } });
  assert.match(local.engines.requests[0]?.shape?.gbnf ?? "", /^root ::= object/);
});

test("tools take a simple question to the engine that can use them", async () => {
  await using local = await startLocal({});
  await using fake = await startFakeLlama({ reply: () => ({ toolCalls: [{ name: "f", arguments: {} }] }) });
  const client = await local.connect({ draft: { endpoint: fake.url }, audit: { model: await local.model("tiny-1b") } });
  await client.send(chat, { model: "auto", messages: HELLO });
  assert.equal(fake.requests.length + local.engines.requests.length, 1);
  for (let at = 0; at < 3; at++) await client.send(chat, { model: "auto", messages: HELLO, tools: [tool] });
  assert.equal(fake.requests.filter((it) => it.body.tools !== undefined).length, 3);
});

test("a prompt that is certainly too long never reaches the engine", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const messages = [{ role: "user" as const, content: "x".repeat(8_192 * 12) }];
  const failure = await failureOf(client.send(chat, { model: "auto", messages }));
  assert.equal(failure.code, "context-length");
  assert.equal(local.engines.requests.length, 0);
});

test("a cancelled stream ends at once, and the next request is answered", async () => {
  const gate = createGate();
  await using local = await startLocal({ reply: () => ({ text: "one two three", beforePiece: gate.wait }) });
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const cancel = new AbortController();
  const first = Promise.withResolvers<void>();
  const onEvent = (event: ChatEvent) => {
    if (event.kind === "chunk") first.resolve();
  };
  const options = { onEvent, signal: cancel.signal };
  const answer = client.send(chat, { model: "auto", messages: HELLO, stream: true }, options);
  gate.open(1);
  await first.promise;
  cancel.abort();
  assert.equal((await failureOf(answer)).code, "cancelled");
  gate.open();
  assert.equal((await client.send(chat, { model: "auto", messages: HELLO })).kind, "whole");
});
