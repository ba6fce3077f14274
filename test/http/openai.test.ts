import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import type { HttpOptions } from "../../server/transport/http/door.ts";
import { createGate, type Script } from "../fakes/openaiScript.ts";
import { type FakeLlama, type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor, type TestDoor } from "./door.ts";

interface Stage extends AsyncDisposable {
  readonly client: OpenAI;
  readonly fake: FakeLlama;
  readonly door: TestDoor;
}

/** The official client, a door, and a model server behind it. */
async function stage(reply: FakeOptions["reply"], more: Given = {}): Promise<Stage> {
  const fake = await startFakeLlama({ reply, ...more.fake });
  const door = await startDoor({ draft: { endpoint: fake.url, apiKey: more.apiKey ?? "" } }, more.options);
  const client = new OpenAI({ baseURL: `${door.url}/v1`, apiKey: KEY, maxRetries: 0 });
  return {
    client,
    fake,
    door,
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

interface Given {
  readonly fake?: Partial<FakeOptions>;
  /** Sent to the model server. */
  readonly apiKey?: string;
  readonly options?: Partial<HttpOptions>;
}

const ASK = { model: "auto", messages: [{ role: "user", content: "hello" }] } as const;
const question = () => ({ ...ASK, messages: [...ASK.messages] });

test("models are listed, and one is found by its name", async () => {
  await using it = await stage(() => "");
  const names = (await Array.fromAsync(it.client.models.list())).map((model) => model.id);
  assert.ok(names.includes("auto"));
  assert.ok(names.includes("fake-coder"), names.join());
  assert.equal((await it.client.models.retrieve("fake-coder")).object, "model");
  await assert.rejects(it.client.models.retrieve("none/such"), OpenAI.NotFoundError);
});

test("a chat, with what it used and who answered", async () => {
  await using it = await stage(() => ({ text: "Good day to you" }));
  const { data, response } = await it.client.chat.completions.create(question()).withResponse();
  assert.equal(data.choices[0]?.message.content, "Good day to you");
  assert.equal(data.choices[0]?.finish_reason, "stop");
  assert.equal(data.object, "chat.completion");
  assert.ok((data.usage?.completion_tokens ?? 0) > 0);
  assert.equal(response.headers.get("x-tandem-model"), "fake-coder");
  for (const name of ["decision", "engine", "device", "why"])
    assert.ok(response.headers.get(`x-tandem-${name}`), `x-tandem-${name}`);
});

test("a chat as it is written, the decision before the first of it", async () => {
  const gate = createGate();
  await using it = await stage(() => ({ pieces: ["one ", "two ", "three"], beforePiece: gate.wait }));
  const { data, response } = await it.client.chat.completions
    .create({ ...question(), stream: true, stream_options: { include_usage: true } })
    .withResponse();
  assert.equal(response.headers.get("x-tandem-model"), "fake-coder");
  const parts: string[] = [];
  let tokens = 0;
  gate.open(1);
  for await (const chunk of data) {
    parts.push(chunk.choices[0]?.delta.content ?? "");
    tokens = chunk.usage?.completion_tokens ?? tokens;
    gate.open(1);
  }
  assert.equal(parts.join(""), "one two three");
  assert.equal(tokens, 3);
});

const TOOLS = [
  {
    type: "function" as const,
    function: {
      name: "weather",
      description: "The weather at a place",
      parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
    },
  },
];
const CALL: Script = { toolCalls: [{ name: "weather", arguments: { place: "Ulm" } }] };

test("tools go to the model and their calls come back", async () => {
  await using it = await stage(() => CALL);
  const answer = await it.client.chat.completions.create({ ...question(), tools: TOOLS, tool_choice: "auto" });
  assert.equal(answer.choices[0]?.finish_reason, "tool_calls");
  const call = answer.choices[0]?.message.tool_calls?.[0];
  assert.ok(call?.type === "function");
  assert.deepEqual(JSON.parse(call.function.arguments), { place: "Ulm" });
  assert.deepEqual(it.fake.requests[0]?.body.tools, TOOLS);
});

test("calls of tools in a stream are put together by the client", async () => {
  await using it = await stage(() => CALL);
  const stream = it.client.chat.completions.stream({ ...question(), tools: TOOLS });
  const answer = await stream.finalChatCompletion();
  const call = answer.choices[0]?.message.tool_calls?.[0];
  assert.ok(call?.type === "function");
  assert.equal(call.function.name, "weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { place: "Ulm" });
});

test("a completion, whole and as it is written", async () => {
  await using it = await stage(() => "and so on");
  const whole = await it.client.completions.create({ model: "auto", prompt: "And" });
  assert.equal(whole.choices[0]?.text, "and so on");
  const parts = await it.client.completions.create({ model: "auto", prompt: "And", stream: true });
  const texts = (await Array.fromAsync(parts)).map((part) => part.choices[0]?.text ?? "");
  assert.equal(texts.join(""), "and so on");
});

const VECTORS = [
  [0.5, -0.25, 1],
  [0, 1, 0],
];

test("vectors, as numbers and packed as the client asks for them by itself", async () => {
  await using it = await stage(() => "", { fake: { embed: (texts) => VECTORS.slice(0, texts.length) } });
  const input = ["one", "two"];
  const packed = await it.client.embeddings.create({ model: "fake-coder", input });
  const plain = await it.client.embeddings.create({ model: "fake-coder", input, encoding_format: "float" });
  for (const answer of [packed, plain])
    assert.deepEqual(
      answer.data.map((each) => each.embedding),
      VECTORS,
    );
  assert.ok(plain.usage.prompt_tokens > 0);
});

test("leaving in the middle of a stream reaches the model's server", async () => {
  const gate = createGate();
  await using it = await stage(() => ({ pieces: Array.from({ length: 50 }, () => "word "), beforePiece: gate.wait }));
  const stream = await it.client.chat.completions.create({ ...question(), stream: true });
  gate.open(2);
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  const asked = await it.fake.nextRequest();
  await asked.clientLeft;
  assert.equal(asked.state, "client-left");
  // Not the request alone: what stands in the socket's buffers is gone as well.
  await asked.socketClosed;
});

test("leaving before the first word reaches the model's server", async () => {
  await using it = await stage(() => ({ fault: { kind: "hang" } }));
  const leaving = new AbortController();
  const answer = it.client.chat.completions.create(question(), { signal: leaving.signal });
  const asked = await it.fake.nextRequest();
  leaving.abort();
  await assert.rejects(answer, OpenAI.APIUserAbortError);
  await asked.clientLeft;
  await asked.socketClosed;
});

const status = (code: number, body: unknown): Script => ({ fault: { kind: "status", status: code, body } });
const failures: readonly { name: string; reply?: Script; given?: Given; ask?: object; want: Wanted }[] = [
  {
    name: "a wrong key",
    given: { options: { key: () => "another-key-altogether" } },
    want: { type: OpenAI.AuthenticationError, code: "invalid_api_key" },
  },
  {
    name: "a model there is not",
    ask: { model: "gpt-9" },
    want: { type: OpenAI.NotFoundError, code: "model_not_found" },
  },
  {
    name: "a field that does not fit",
    ask: { messages: [{ role: "user", content: 5 }] },
    want: { type: OpenAI.BadRequestError, param: "messages[0].content" },
  },
  {
    name: "more than the context",
    given: { fake: { contextTokens: 10 } },
    ask: { messages: [{ role: "user", content: "many words ".repeat(40) }] },
    want: { type: OpenAI.APIError, code: "context_length_exceeded" },
  },
  {
    name: "too much at once",
    given: { options: { limits: { running: 0 } } },
    want: { type: OpenAI.RateLimitError, code: "too_many_requests" },
  },
  {
    name: "a server that breaks",
    reply: status(500, { error: { message: "out of luck", type: "server_error", code: 500 } }),
    want: { type: OpenAI.InternalServerError },
  },
  { name: "a server that is gone", reply: { fault: { kind: "reset" } }, want: { type: OpenAI.InternalServerError } },
];

interface Wanted {
  readonly type: new (...given: never[]) => InstanceType<typeof OpenAI.APIError>;
  readonly code?: string;
  readonly param?: string;
}

for (const { name, reply = {}, given, ask, want } of failures)
  for (const stream of [false, true])
    test(`${name}${stream ? ", asked for a stream" : ""}: ${want.type.name}`, async () => {
      await using it = await stage(() => reply, given);
      const answer = it.client.chat.completions.create({ ...question(), ...ask, stream });
      await assert.rejects(answer, (error) => {
        assert.ok(error instanceof want.type, String(error));
        if (want.code !== undefined) assert.equal(error.code, want.code);
        if (want.param !== undefined) assert.equal(error.param, want.param);
        assert.ok(error.message.length > 10);
        return true;
      });
    });

test("what fails after the first word is said in the stream", async () => {
  // Nor can it go on when it is asked to.
  await using it = await stage(({ body }) => {
    const isAgain = body.messages?.at(-1)?.role === "assistant";
    return { pieces: ["one ", "two "], fault: { kind: "error-event", after: isAgain ? 0 : 1, message: "out of luck" } };
  });
  const stream = await it.client.chat.completions.create({ ...question(), stream: true });
  const parts: string[] = [];
  await assert.rejects(async () => {
    for await (const chunk of stream) parts.push(chunk.choices[0]?.delta.content ?? "");
  }, OpenAI.APIError);
  assert.equal(parts.join(""), "one ");
});

test("a door that closes lets a running answer end, and takes no new one", async () => {
  const gate = createGate();
  await using it = await stage(() => ({ pieces: ["one ", "two"], beforePiece: gate.wait }));
  const stream = await it.client.chat.completions.create({ ...question(), stream: true });
  gate.open(1);
  const parts: string[] = [];
  let closing: PromiseLike<void> | null = null;
  for await (const chunk of stream) {
    parts.push(chunk.choices[0]?.delta.content ?? "");
    if (chunk.choices[0]?.delta.content) closing ??= it.door.door[Symbol.asyncDispose]();
    gate.open(1);
  }
  assert.equal(parts.join(""), "one two");
  await closing;
  await assert.rejects(it.client.chat.completions.create(question()), OpenAI.APIConnectionError);
});

test("a door that closes does not wait for ever", async () => {
  await using it = await stage(() => ({ fault: { kind: "hang" } }), { options: { limits: { drainMs: 50 } } });
  const answer = it.client.chat.completions.create(question());
  const failed = assert.rejects(answer, (error) => error instanceof OpenAI.APIError && error.code === "shutting_down");
  const asked = await it.fake.nextRequest();
  await it.door.door[Symbol.asyncDispose]();
  await failed;
  await asked.clientLeft;
});

test("neither keys nor what was said is in the log", async () => {
  await using it = await stage(() => status(500, { error: { message: "echo: hush-hush", code: 500 } }), {
    apiKey: "sk-behind",
  });
  const secret = { role: "user" as const, content: "hush-hush" };
  await assert.rejects(it.client.chat.completions.create({ ...ASK, messages: [secret] }));
  await assert.rejects(it.client.chat.completions.create({ ...ASK, messages: [secret], temperature: 99 }));
  const stranger = new OpenAI({ baseURL: `${it.door.url}/v1`, apiKey: "sk-stranger", maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ ...ASK, messages: [secret] }));
  assert.ok(it.door.lines.length > 2);
  for (const hidden of [KEY, "sk-stranger", "sk-behind", "hush-hush"])
    assert.equal(
      it.door.lines.find((line) => line.includes(hidden)),
      undefined,
    );
});
