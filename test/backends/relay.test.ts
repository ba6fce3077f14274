import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { REAL_TIMING, type Timing } from "../../server/backends/timing.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import type { RelayRequest } from "../../server/relaying.ts";
import { recordingLog } from "../fakes/log.ts";
import { errorBody } from "../fakes/openaiFlavour.ts";
import { createGate, type Fault, type Script } from "../fakes/openaiScript.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { createVirtualTime } from "../fakes/virtualTime.ts";

const never = new AbortController().signal;
const KEY = "sk-very-secret";
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object" } } }];
const messages = [{ role: "user", content: [{ type: "text", text: "hi" }] }];

function request(body: Record<string, unknown> = {}): RelayRequest {
  return { path: "/chat/completions", body: { model: "auto", messages, ...body } };
}

async function open(url: string, timing: Timing = REAL_TIMING): Promise<Engine> {
  return openEndpoint({ kind: "endpoint", url, modelName: null, apiKey: KEY }, { log: recordingLog(), timing }, never);
}

/** Everything a caller gets: the body, or the chunks, and what was thrown. */
async function relayed(engine: Engine, asked: RelayRequest, signal = never) {
  const chunks: unknown[] = [];
  let body: unknown;
  let thrown: unknown = null;
  try {
    const reply = await engine.relay?.(asked, signal);
    if (reply?.kind === "whole") body = reply.body;
    else for await (const together of reply?.chunks ?? []) for (const it of together) chunks.push(JSON.parse(it.json));
  } catch (error) {
    thrown = error;
  }
  return { chunks, body, thrown };
}

for (const flavour of ["llama-server", "plain"] as const) {
  test(`${flavour}: a request goes out as it came, but for the model's name`, async () => {
    await using fake = await startFakeLlama({ flavour, reply: () => "hello" });
    await using engine = await open(fake.url);
    const { body, thrown } = await relayed(engine, request({ tools, seed: 3, odd_field: { deep: [1] } }));
    assert.equal(thrown, null);
    const [sent] = fake.requests;
    assert.equal(sent?.body.model, "fake-coder");
    assert.deepEqual(sent?.body.tools, tools);
    assert.deepEqual(sent?.body.odd_field, { deep: [1] });
    assert.equal(sent?.headers.authorization, `Bearer ${KEY}`);
    assert.equal(Object(body).choices[0].message.content, "hello");
    assert.equal(Object(body).object, "chat.completion");
  });

  test(`${flavour}: a stream comes chunk by chunk, calls of tools and usage in it, without [DONE]`, async () => {
    const reply: Script = { text: "let me", toolCalls: [{ name: "weather", arguments: { city: "Oslo" } }] };
    await using fake = await startFakeLlama({ flavour, reply: () => reply });
    await using engine = await open(fake.url);
    const { chunks, thrown } = await relayed(engine, request({ stream: true, tools }));
    assert.equal(thrown, null);
    const deltas = chunks.map((chunk) => Object(chunk).choices?.[0]?.delta ?? {});
    assert.equal(deltas.map((it) => it.content ?? "").join(""), "let me");
    const [call] = deltas.flatMap((it) => it.tool_calls ?? []);
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Oslo" });
    const finishes = chunks.map((chunk) => Object(chunk).choices?.[0]?.finish_reason).filter(Boolean);
    assert.deepEqual(finishes, ["tool_calls"]);
    assert.ok(Object(chunks.at(-1)).usage.total_tokens > 0, "the last one tells the usage");
  });
}

test("text is completed by the other path", async () => {
  await using fake = await startFakeLlama({ reply: () => "b" });
  await using engine = await open(fake.url);
  const { body } = await relayed(engine, { path: "/completions", body: { prompt: "a", model: "x" } });
  assert.equal(Object(body).choices[0].text, "b");
  assert.equal(fake.requests[0]?.path, "/v1/completions");
});

const fault = (it: Fault): Script => ({ text: "a b c", fault: it });
const failures: readonly {
  name: string;
  reply: Script;
  isStream?: boolean;
  fake?: Omit<FakeOptions, "reply">;
  /** Chunks with text that came before it. */
  texts?: string;
  code: ErrorCode;
  message: RegExp;
  details?: Record<string, unknown>;
}[] = [
  {
    name: "a refusal, with its status and what it said",
    reply: fault({ kind: "status", status: 400, body: errorBody(400, "tools need --jinja", "invalid_request_error") }),
    code: "provider",
    message: /tools need --jinja/,
    details: { status: 400, body: errorBody(400, "tools need --jinja", "invalid_request_error") },
  },
  {
    name: "a refusal of a stream",
    isStream: true,
    reply: fault({ kind: "status", status: 429, body: errorBody(429, `busy, ${KEY}`, "rate_limit") }),
    code: "provider",
    message: /HTTP 429/,
    details: { status: 429, body: errorBody(429, "busy, …", "rate_limit") },
  },
  {
    name: "a page instead of a refusal",
    reply: fault({ kind: "status", status: 502, body: "<html>" }),
    code: "provider",
    message: /HTTP 502$/,
    details: { status: 502 },
  },
  {
    name: "a prompt that does not fit",
    reply: {},
    fake: { contextTokens: 1 },
    code: "context-length",
    message: /does not fit/,
  },
  {
    name: "an error with status 200",
    reply: fault({ kind: "page", contentType: "application/json", body: '{"error":"Unexpected endpoint"}' }),
    code: "provider",
    message: /Unexpected endpoint/,
    details: { status: 500, body: { error: "Unexpected endpoint" } },
  },
  {
    name: "a page",
    reply: fault({ kind: "page", contentType: "text/html", body: "<html>" }),
    code: "provider",
    message: /is not JSON/,
  },
  {
    name: "a page instead of a stream",
    isStream: true,
    reply: fault({ kind: "page", contentType: "text/html", body: "<html>" }),
    code: "provider",
    message: /is text\/html, not a stream/,
  },
  {
    name: "an error in the stream",
    isStream: true,
    reply: fault({ kind: "error-event", after: 1, message: "GPU fell off the bus" }),
    texts: "a",
    code: "provider",
    message: /GPU fell off the bus/,
    details: { status: 500, body: errorBody(500, "GPU fell off the bus", "server_error") },
  },
  {
    name: "a stream that ends early",
    isStream: true,
    reply: fault({ kind: "truncate", after: 2 }),
    texts: "a b",
    code: "provider",
    message: /ended before the answer was complete/,
  },
  {
    name: "a connection that breaks in the stream",
    isStream: true,
    reply: fault({ kind: "disconnect", after: 2 }),
    texts: "a b",
    code: "provider",
    message: /broke/,
  },
  {
    name: "garbage in the stream",
    isStream: true,
    reply: fault({ kind: "garbage", after: 1 }),
    texts: "a",
    code: "provider",
    message: /not in a format/,
  },
  { name: "no answer", isStream: true, reply: fault({ kind: "hang" }), code: "timeout", message: /No first token/ },
  {
    name: "silence in the stream",
    isStream: true,
    reply: fault({ kind: "stall", after: 2 }),
    texts: "a b",
    code: "timeout",
    message: /Nothing more/,
  },
];
for (const it of failures)
  test(`relay: ${it.name}`, async () => {
    await using fake = await startFakeLlama({ ...it.fake, reply: () => it.reply });
    const timing = createVirtualTime();
    await using engine = await open(fake.url, timing);
    const { chunks, thrown } = await timing.run(relayed(engine, request(it.isStream ? { stream: true } : {})));
    assert.ok(thrown instanceof TandemError, String(thrown));
    assert.equal(thrown.code, it.code);
    assert.match(thrown.message, it.message);
    for (const [key, value] of Object.entries(it.details ?? {})) assert.deepEqual(thrown.details?.[key], value);
    if (it.details && !("body" in it.details)) assert.equal(thrown.details?.body, undefined);
    assert.equal(chunks.map((chunk) => Object(chunk).choices?.[0]?.delta?.content ?? "").join(""), it.texts ?? "");
    assert.equal(JSON.stringify([thrown.message, thrown.details]).includes(KEY), false);
  });

for (const isStream of [true, false])
  for (const after of isStream ? (["before the headers", "in the text"] as const) : (["before the headers"] as const))
    test(`cancelled ${after}, ${isStream ? "stream" : "whole"}: the server sees the connection close`, async () => {
      const gate = createGate();
      await using fake = await startFakeLlama({ reply: () => ({ text: "a b", beforePiece: gate.wait }) });
      await using engine = await open(fake.url);
      const controller = new AbortController();
      const heard = relayed(engine, request({ stream: isStream }), controller.signal);
      const sent = await fake.nextRequest();
      if (after === "in the text") gate.open(1);
      setImmediate(() => controller.abort());
      const { thrown } = await heard;
      assert.ok(thrown instanceof TandemError && thrown.code === "cancelled", String(thrown));
      await sent.clientLeft;
    });

test("a stream nobody reads on is closed by the signal", async () => {
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: "a b", beforePiece: gate.wait }) });
  await using engine = await open(fake.url);
  const controller = new AbortController();
  const reply = await engine.relay?.(request({ stream: true }), controller.signal);
  assert.equal(reply?.kind, "stream");
  controller.abort();
  await (await fake.nextRequest()).clientLeft;
});

test("a reader that leaves early closes the connection", async () => {
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: "a b", beforePiece: gate.wait }) });
  await using engine = await open(fake.url);
  const reply = await engine.relay?.(request({ stream: true }), never);
  assert.ok(reply?.kind === "stream");
  for await (const _ of reply.chunks) break;
  await (await fake.nextRequest()).clientLeft;
});

for (const [breaks, asks] of [
  [1, 2],
  [5, 3],
] as const)
  test(`a connection that breaks before any answer is tried again (${breaks} breaks)`, async () => {
    let left = breaks;
    const reply = (): Script => (left-- > 0 ? fault({ kind: "reset" }) : { text: "fine" });
    await using fake = await startFakeLlama({ reply });
    const timing = createVirtualTime();
    await using engine = await open(fake.url, timing);
    const { body, thrown } = await timing.run(relayed(engine, request()));
    assert.equal(fake.requests.length, asks);
    if (breaks === 1) assert.equal(Object(body).choices[0].message.content, "fine");
    else assert.match(String(thrown), /The connection to .* broke/);
  });

test("two choices: a stream is whole when both have ended, [DONE] or not", async () => {
  const chunk = (index: number, finish_reason: string | null) =>
    `data: ${JSON.stringify({ choices: [{ index, delta: { content: "x" }, finish_reason }] })}\n\n`;
  const half = [chunk(0, null), chunk(1, null), chunk(0, "stop")];
  for (const [events, isWhole] of [
    [half, false],
    [[...half, chunk(1, "length")], true],
  ] as const) {
    await using server = await serve(events.join(""));
    await using engine = await open(server.url);
    const { chunks, thrown } = await relayed(engine, request({ stream: true, n: 2 }));
    assert.equal(chunks.length, events.length);
    assert.equal(thrown === null, isWhole);
  }
});

/** A server that has one model and answers every request for text with that stream. */
async function serve(stream: string) {
  const server = createServer((incoming, response) => {
    const isList = incoming.url === "/v1/models";
    response.writeHead(isList || incoming.method === "POST" ? 200 : 404, {
      "content-type": isList ? "application/json" : "text/event-stream",
    });
    response.end(isList ? JSON.stringify({ data: [{ id: "m" }] }) : stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: close };
}
