import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decision } from "../../server/protocol/decision.ts";
import type { ChatChunk, ChatEvent, ChatResult } from "../../server/protocol/openai.ts";
import { chat, complete, status } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

const HELLO = [{ role: "user" as const, content: "What is a monad?" }];

function listener() {
  const events: ChatEvent[] = [];
  return {
    onEvent: (event: ChatEvent) => void events.push(event),
    kinds: () => events.map((it) => it.kind),
    chunks: () => events.flatMap((it): ChatChunk[] => (it.kind === "chunk" ? [it.chunk] : [])),
    decisions: () => events.flatMap((it): Decision[] => (it.kind === "decision" ? [it.decision] : [])),
  };
}

function whole(result: ChatResult) {
  assert.equal(result.kind, "whole");
  return result.kind === "whole" ? result.body : assert.fail();
}

test("auto: hard work goes to the drafting engine, and the decision says why", async () => {
  await using orchestrator = await startOrchestrator();
  await using drafter = await startFakeLlama({ models: ["large"], reply: () => "no" });
  await using auditor = await startFakeLlama({ models: ["small"], reply: () => "A burrito." });
  const client = await orchestrator.connect({
    draft: { endpoint: drafter.url, model: "large" },
    audit: { endpoint: auditor.url, model: "small" },
  });
  const seen = listener();
  const implement = [{ role: "user" as const, content: "Implement a parser for RFC 5545 recurrence rules" }];
  whole(await client.send(chat, { model: "auto", messages: implement }, seen));
  const [decision, ...more] = seen.decisions();
  assert.equal(more.length, 0);
  assert.deepEqual(
    [decision?.asked, decision?.engine, decision?.model, decision?.tier, decision?.action, decision?.method],
    ["auto", "draft", "large", "complex", "implement", chat.method],
  );
  assert.equal(decision?.candidates.length, 2);
  assert.match(decision?.why ?? "", /drafting model/);
  assert.equal(drafter.requests.length, 1);
  assert.equal(auditor.requests.length, 0);
});

test("the body goes on as it is, the answer comes back as it is, but for the model's name", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({
    models: ["served"],
    reply: () => ({ toolCalls: [{ name: "look_up", arguments: { key: "monad" } }] }),
  });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const tools = [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }];
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const messages = [{ role: "user" as const, content: [{ type: "text", text: "What is this?" }, image] }];
  const given = { messages, tools, n: 2, logprobs: true, min_p: 0.05, grammar: "root ::= [a-z]+" };
  const body = whole(await client.send(chat, { model: "auto", ...given }));
  assert.deepEqual(body.choices[0]?.message?.tool_calls, [
    { id: "call-0", type: "function", function: { name: "look_up", arguments: '{"key":"monad"}' } },
  ]);
  assert.equal(body.model, "served");
  const { tools: sentTools, n, logprobs, min_p, grammar, model } = fake.requests[0]?.body ?? {};
  assert.deepEqual(
    { sentTools, n, logprobs, min_p, grammar, model },
    { sentTools: tools, ...rest(given), model: "served" },
  );
  assert.ok(body.usage && body.usage.total_tokens === body.usage.prompt_tokens + body.usage.completion_tokens);
});

function rest({ n, logprobs, min_p, grammar }: { n: number; logprobs: boolean; min_p: number; grammar: string }) {
  return { n, logprobs, min_p, grammar };
}

test("a stream's chunks come as the server sends them, after the decision", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => ({ text: "A burrito, they say.", reasoning: "Hm." }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const seen = listener();
  const result = await client.send(chat, { model: "auto", messages: HELLO, stream: true }, seen);
  const text = seen.chunks().map((it) => it.choices?.[0]?.delta?.content ?? "");
  assert.equal(text.join(""), "A burrito, they say.");
  assert.ok(seen.chunks().every((it) => it.object === "chat.completion.chunk" && it.model === "fake-coder"));
  assert.ok(seen.chunks().some((it) => it.choices?.[0]?.delta?.reasoning_content === "Hm."));
  assert.ok(seen.kinds().indexOf("decision") < seen.kinds().indexOf("chunk"));
  assert.ok(result.kind === "streamed" && result.usage && result.usage.completion_tokens > 0);
  const after = await client.send(status, {});
  assert.ok((after.engines[0]?.decodeTokensPerSecond ?? 0) > 0, "what the server reports becomes the engine's rate");
});

test("a name pins, by what the endpoint calls its model, though nobody has asked it yet", async () => {
  await using orchestrator = await startOrchestrator();
  await using drafter = await startFakeLlama({ models: ["large"], reply: () => "no" });
  await using auditor = await startFakeLlama({ models: ["small"], reply: () => "A burrito." });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const seen = listener();
  const body = whole(await client.send(chat, { model: "small", messages: HELLO }, seen));
  assert.equal(body.choices[0]?.message?.content, "A burrito.");
  const [decision] = seen.decisions();
  assert.deepEqual(
    [decision?.engine, decision?.model, decision?.tier, decision?.candidates],
    ["audit", "small", null, []],
  );
});

test("a name that nobody knows is refused, with those that there are", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => "no" });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const failure = await failureOf(client.send(chat, { model: "gpt-4o", messages: HELLO }));
  assert.equal(failure.code, "model-unavailable");
  assert.match(failure.message, /"gpt-4o"/);
  assert.match(failure.nextStep, /auto, fake-coder, .*qwen2\.5-coder/);
  assert.equal(failure.details?.isUnknown, true);
  assert.equal(fake.requests.length, 0);
});

test("while an endpoint is silent, a name may be its: that is said", async () => {
  await using orchestrator = await startOrchestrator();
  const fake = await startFakeLlama({ reply: () => "no" });
  await fake.close();
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const failure = await failureOf(client.send(chat, { model: "gpt-4o", messages: HELLO }));
  assert.equal(failure.code, "model-unavailable");
  assert.match(failure.message, /does not say what it serves/);
  assert.equal(failure.details?.isUnknown, false);
});

test("auto takes another engine where the first cannot be had, and says so", async () => {
  await using orchestrator = await startOrchestrator();
  const gone = await startFakeLlama({ reply: () => "no" });
  await gone.close();
  await using auditor = await startFakeLlama({ models: ["small"], reply: () => "A burrito." });
  const client = await orchestrator.connect({ draft: { endpoint: gone.url }, audit: { endpoint: auditor.url } });
  const seen = listener();
  const messages = [{ role: "user" as const, content: "Implement quicksort" }];
  assert.equal(whole(await client.send(chat, { model: "auto", messages }, seen)).model, "small");
  assert.ok(seen.kinds().includes("notice"));
  assert.match(seen.decisions()[0]?.why ?? "", /draft could not be had/);
});

test("cancelling reaches the server behind it, and the engine is free again", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 1, reply: () => ({ text: "one two", beforePiece: gate.wait }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  for (const stream of [true, false]) {
    const cancel = new AbortController();
    const answer = client.send(chat, { model: "auto", messages: HELLO, stream }, { signal: cancel.signal });
    const request = await fake.nextRequest();
    cancel.abort();
    assert.equal((await failureOf(answer)).code, "cancelled");
    await request.clientLeft;
  }
  gate.open();
  assert.ok(whole(await client.send(chat, { model: "auto", messages: HELLO })).choices.length > 0);
});

test("a request that the server turns down does not count against the server", async () => {
  await using orchestrator = await startOrchestrator();
  const body = { error: { message: "tool_choice must be auto", type: "invalid_request_error", code: 400 } };
  await using fake = await startFakeLlama({ reply: () => ({ fault: { kind: "status", status: 400, body } }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const failure = await failureOf(client.send(chat, { model: "auto", messages: HELLO, tool_choice: "any" }));
  assert.deepEqual([failure.code, failure.details?.status, failure.details?.body], ["provider", 400, body]);
  assert.equal((await client.send(status, {})).engines[0]?.failures, 0);
});

test("completions go on to the server as they are", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => " + b" });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const result = await client.send(complete, { model: "auto", prompt: "a", max_tokens: 4, suffix: ";" });
  assert.ok(result.kind === "whole" && result.body.choices?.[0]?.text === " + b");
  assert.equal(fake.requests[0]?.path, "/v1/completions");
  assert.deepEqual([fake.requests[0]?.body.max_tokens, fake.requests[0]?.body.suffix], [4, ";"]);
});

const wrong = [
  { name: "no model", params: { messages: HELLO } },
  { name: "an empty model", params: { model: "", messages: HELLO } },
  { name: "no messages", params: { model: "auto", messages: [] } },
  { name: "a role that there is not", params: { model: "auto", messages: [{ role: "robot", content: "x" }] } },
  { name: "a temperature beyond 2", params: { model: "auto", messages: HELLO, temperature: 3 } },
  { name: "content of no known shape", params: { model: "auto", messages: [{ role: "user", content: 7 }] } },
];

for (const { name, params } of wrong)
  test(`refused: ${name}`, async () => {
    await using orchestrator = await startOrchestrator();
    const client = await orchestrator.connect({});
    assert.equal((await failureOf(client.send(chat, params as never))).code, "bad-request");
  });
