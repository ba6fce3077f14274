import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { openEndpoint } from "../../server/backends/openai.ts";
import { type LocalSource, NO_TERMS } from "../../server/core/assign.ts";
import { DEFAULT_OPTIONS } from "../../server/core/loadOptions.ts";
import { alreadyServed } from "../../server/core/served.ts";
import { createDiscovery } from "../../server/discovery/discovery.ts";
import { TandemError } from "../../server/errors.ts";
import type { AnswerShape, Engine, GenerateRequest } from "../../server/ports.ts";
import { Config } from "../../server/protocol/config.ts";
import { ask, chatRequest, textRequest } from "../backends/ask.ts";
import { silentLog } from "../fakes/log.ts";
import { type LlamaServer, startLlamaServer } from "../setup/llamaServer.ts";
import { ADD, isCode, LONG_PROMPT } from "./prompts.ts";

const LOCAL: LocalSource = {
  kind: "embedded",
  model: "m",
  use: "write",
  substitute: null,
  device: "cpu",
  threads: 1,
  llamaServer: "",
  options: DEFAULT_OPTIONS,
  contextTokens: null,
  terms: NO_TERMS,
};

const never = new AbortController().signal;
const verdict: AnswerShape = {
  name: "verdict",
  gbnf: 'root ::= "ok" | "bad"',
  jsonSchema: { type: "string", enum: ["ok", "bad"] },
};

let server: LlamaServer;
let engine: Engine;
before(async () => {
  server = await startLlamaServer(never);
  engine = await openEndpoint(
    { kind: "endpoint", url: server.url, modelName: null, apiKey: "" },
    { log: silentLog },
    never,
  );
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test("it is recognised, with its slots and its context", () => {
  assert.equal(engine.model.id, "tinyllama-1.1b-chat-iq2xxs");
  assert.equal(engine.model.contextTokens, server.contextTokens);
  assert.equal(engine.model.parametersB, 1.1);
  assert.equal(engine.slots, 2);
});

test("it is found running, with the very file it has loaded, so that nobody loads that again", async () => {
  const discovery = createDiscovery({
    config: () => Config.parse({ hosts: [server.url], discovery: { isLoopbackProbed: false } }),
    clock: { nowMs: () => 0 },
    log: silentLog,
  });
  const servers = await discovery.look(never);
  const [found] = servers;
  const [model] = found?.models ?? [];
  assert.deepEqual([found?.kind, found?.needsKey, found?.isForeign], ["llama-server", false, false]);
  assert.equal(model?.name, engine.model.id);
  const file = { path: model?.path ?? "", bytes: (await stat(model?.path ?? "")).size };
  const there = { kind: "endpoint", url: server.url, modelName: engine.model.id, apiKey: "" };
  assert.deepEqual(alreadyServed(LOCAL, file, servers), there);
  const copy = { ...file, path: `/elsewhere/${engine.model.id}.gguf` };
  assert.deepEqual(alreadyServed(LOCAL, copy, servers), there, "a copy of the same name and size");
  assert.equal(alreadyServed(LOCAL, { ...copy, bytes: file.bytes * 2 }, servers), null, "another quantisation");
  assert.equal(alreadyServed({ ...LOCAL, contextTokens: 32_768 }, file, servers), null, "it has less context");
});

test("it continues code", async () => {
  const heard = await ask(engine, textRequest(ADD, { maxTokens: 24, stop: ["\n}"] }));
  isCode(heard);
});

test("it answers a chat", async () => {
  const heard = await ask(engine, chatRequest("Say hello.", { maxTokens: 12 }));
  assert.equal(heard.pieces.join(""), heard.text);
  assert.notEqual(heard.text, "");
  assert.ok(heard.done.completionTokens <= 12 && heard.done.promptTokens > 5);
});

for (const request of [textRequest("1 + 1 = 2 is ", { shape: verdict }), chatRequest("Is 1+1=2?", { shape: verdict })])
  test(`a grammar confines a ${request.prompt.kind} answer`, async () => {
    assert.match((await ask(engine, request)).text, /^(ok|bad)$/);
  });

test("a prompt that grows is read only where it is new", async () => {
  const first = await ask(engine, textRequest(LONG_PROMPT, { maxTokens: 1 }));
  const second = await ask(engine, textRequest(`${LONG_PROMPT}\nexport function next() {\n`, { maxTokens: 1 }));
  assert.ok(second.done.cachedTokens >= first.done.promptTokens - 2, `${second.done.cachedTokens} were cached`);
  assert.ok(second.done.cachedTokens < second.done.promptTokens);
});

test("a prompt that does not fit is refused with the numbers", async () => {
  await assert.rejects(ask(engine, textRequest(LONG_PROMPT.repeat(8))), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "context-length");
    assert.equal(error.details?.contextTokens, server.contextTokens);
    assert.ok(Number(error.details?.promptTokens) > server.contextTokens);
    return true;
  });
});

const cancels: readonly { name: string; request: GenerateRequest; pieces: number }[] = [
  {
    name: "while it reads the prompt",
    request: textRequest(`unlike before: ${LONG_PROMPT}`, { maxTokens: 400 }),
    pieces: 0,
  },
  { name: "while it writes", request: textRequest("a b c", { maxTokens: 400, shape: endless() }), pieces: 3 },
];
for (const { name, request, pieces } of cancels)
  test(`broken off ${name}, it is seen to be free`, async () => {
    const controller = new AbortController();
    // Not what the next test lets it read.
    const asked =
      pieces === 0 ? { ...request, prompt: textRequest(`other than that: ${LONG_PROMPT}`).prompt } : request;
    const stream = engine.generate(asked, controller.signal)[Symbol.asyncIterator]();
    for (let count = 0; count < pieces; count++) assert.equal((await stream.next()).value?.kind, "text");
    const next = stream.next();
    if (pieces === 0) await slotsBecome(server.url, "busy");
    controller.abort();
    await assert.rejects(next);
    const ms = await engine.settle?.(AbortSignal.timeout(30_000));
    assert.equal(typeof ms, "number");
    const response = await fetch(`${server.url}/slots`);
    assert.equal(
      Slots.parse(await response.json()).some((it) => it.is_processing),
      false,
    );
  });

for (const cut of [3, 8])
  test(`an answer goes on after ${cut} pieces as if it had never been cut`, async () => {
    const request = chatRequest("Write one short sentence about a llama.", { maxTokens: 24, seed: 1 });
    const whole = await ask(engine, request);
    const before = whole.pieces.slice(0, cut).join("");
    const rest = await ask(engine, { ...request, continues: before, maxTokens: 24 - cut });
    assert.equal(before + rest.text, whole.text);
  });

for (const { name, request, pieces } of cancels)
  test(`cancelled ${name}, its slot is free again`, async () => {
    const controller = new AbortController();
    const stream = engine.generate(request, controller.signal)[Symbol.asyncIterator]();
    for (let count = 0; count < pieces; count++) assert.equal((await stream.next()).value?.kind, "text");
    const next = stream.next();
    if (pieces === 0) await slotsBecome(server.url, "busy");
    controller.abort();
    await assert.rejects(next, (error) => error instanceof TandemError && error.code === "cancelled");
    await slotsBecome(server.url, "free");
  });

// The likeliest tokens, and no end before all of them are there: the same in every run.
const hello = {
  model: "auto",
  messages: [{ role: "user", content: "Say hello." }],
  max_tokens: 6,
  temperature: 0,
  ignore_eos: true,
};
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "The weather in a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

test("a chat is passed on, whole", async () => {
  const { body } = await relayed(hello);
  assert.equal(Object(body).object, "chat.completion");
  assert.equal(Object(body).model, "tinyllama-1.1b-chat-iq2xxs");
  assert.equal(Object(body).usage.completion_tokens, 6);
  assert.notEqual(Object(body).choices[0].message.content, "");
});

test("a chat is passed on as a stream, usage and all", async () => {
  const { chunks } = await relayed({ ...hello, stream: true, stream_options: { include_usage: true } });
  const text = chunks.map((chunk) => Object(chunk).choices?.[0]?.delta?.content ?? "").join("");
  assert.notEqual(text, "");
  const finishes = chunks.map((chunk) => Object(chunk).choices?.[0]?.finish_reason).filter(Boolean);
  assert.deepEqual(finishes, ["length"]);
  assert.equal(Object(chunks.at(-1)).usage.completion_tokens, 6);
});

test("tools go out, and what the server makes of them comes back as it said it", async () => {
  const asked = { ...hello, max_tokens: 12, tools, tool_choice: "required" };
  const { body } = await relayed(asked);
  const response = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body: JSON.stringify(asked) });
  const said: unknown = await response.json();
  assert.deepEqual(Object(body).choices, Object(said).choices);
  const wrong = { ...asked, tools: [{ type: "nonsense" }] };
  const refused = await fetch(`${server.url}/v1/chat/completions`, { method: "POST", body: JSON.stringify(wrong) });
  const refusal: unknown = await refused.json();
  await assert.rejects(relayed(wrong), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.details?.status, refused.status);
    assert.deepEqual(error.details?.body, refusal);
    return true;
  });
});

test("what the server refuses comes through in its own words", async () => {
  await assert.rejects(relayed({ model: "x" }), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.details?.status, 400);
    assert.match(Object(error.details?.body).error.message, /messages/);
    return true;
  });
});

test("not started for vectors, it says how to", async () => {
  await assert.rejects(engine.embed?.(["a"], never) ?? Promise.resolve(), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "not-configured");
    assert.match(error.nextStep, /--embeddings/);
    return true;
  });
});

for (const stream of [false, true])
  test(`a relayed ${stream ? "stream" : "answer"} that is cancelled frees its slot`, async () => {
    const controller = new AbortController();
    const asked = { ...hello, max_tokens: 900, stream };
    const answer = relayed(asked, controller.signal);
    await slotsBecome(server.url, "busy");
    controller.abort();
    await assert.rejects(answer, (error) => error instanceof TandemError && error.code === "cancelled");
    // A whole answer's client is looked for only when nothing else has come for a second, so asking often would hide that it left.
    await slotsBecome(server.url, "free", stream ? 0 : 1_500);
  });

test("killed while it writes: the stream says so", async () => {
  const stream = engine
    .generate(textRequest("a b c", { maxTokens: 400, shape: endless() }), never)
    [Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  await server.kill();
  await assert.rejects(
    async () => {
      while (!(await stream.next()).done);
    },
    (error) => error instanceof TandemError && error.code === "provider",
  );
  await assert.rejects(ask(engine, textRequest("x")), /Nothing listens at/);
});

/** Text that never ends by itself. */
function endless(): AnswerShape {
  return { name: "endless", gbnf: 'root ::= ("a" | "b" | " ") root', jsonSchema: {} };
}

async function relayed(body: Record<string, unknown>, signal: AbortSignal = never) {
  const reply = await engine.relay?.({ path: "/chat/completions", body }, signal);
  const chunks: unknown[] = [];
  if (reply?.kind === "stream")
    for await (const it of reply.chunks) chunks.push(...it.map(({ json }) => JSON.parse(json)));
  return { body: reply?.kind === "whole" ? reply.body : undefined, chunks };
}

const Slots = z.array(z.object({ is_processing: z.boolean() }));

/** llama-server tells what its slots do; it offers nothing to wait for, so it is asked again and again. */
async function slotsBecome(url: string, wanted: "busy" | "free", everyMs = 0): Promise<void> {
  const limit = AbortSignal.timeout(20_000);
  for (;;) {
    await wait(everyMs, undefined, { signal: limit });
    const slots = Slots.parse(await (await fetch(`${url}/slots`, { signal: limit })).json());
    if (slots.some((slot) => slot.is_processing) === (wanted === "busy")) return;
  }
}
