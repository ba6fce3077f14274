import assert from "node:assert/strict";
import { test } from "node:test";
import { type EndpointLimits, openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { AnswerShape, GenerateRequest } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { recordingLog } from "../fakes/log.ts";
import type { Fault, Script } from "../fakes/openaiScript.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { createVirtualTime } from "../fakes/virtualTime.ts";
import { ask, chatRequest, textRequest } from "./ask.ts";

const never = new AbortController().signal;
const KEY = "sk-very-secret";
const verdict: AnswerShape = { name: "verdict", gbnf: 'root ::= "ok"', jsonSchema: { enum: ["ok"] } };

interface Case {
  readonly name: string;
  /** What the server answers to the first request, the second, …; the last one stays. */
  readonly replies: readonly (string | Script)[];
  readonly fake?: Omit<FakeOptions, "reply">;
  readonly request?: GenerateRequest;
  readonly limits?: Partial<EndpointLimits>;
  /** Requests the server sees. */
  readonly requests?: number;
  readonly text?: string;
  readonly error?: readonly [code: ErrorCode, message: RegExp];
}

async function check(it: Case): Promise<void> {
  let asked = 0;
  await using fake = await startFakeLlama({
    apiKey: KEY,
    ...it.fake,
    reply: () => it.replies[Math.min(asked++, it.replies.length - 1)] ?? "",
  });
  const log = recordingLog();
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: KEY } as const;
  const timing = createVirtualTime();
  await using engine = await openEndpoint(spec, { log, limits: it.limits ?? {}, timing }, never);
  const pieces: string[] = [];
  const hear = async () => {
    for await (const piece of engine.generate(it.request ?? chatRequest("hi"), never))
      pieces.push(piece.kind === "text" ? piece.text : "[done]");
    return null;
  };
  const thrown: unknown = await timing.run(hear().catch((error: unknown) => error));
  if (it.error) {
    assert.ok(thrown instanceof TandemError, `threw ${String(thrown)}`);
    assert.equal(thrown.code, it.error[0]);
    assert.match(thrown.message, it.error[1]);
    assert.notEqual(thrown.nextStep, "");
    assert.equal(`${thrown.message}${thrown.nextStep}${JSON.stringify(thrown.details)}`.includes(KEY), false);
  } else assert.equal(thrown, null);
  assert.equal(pieces.join(""), (it.text ?? "") + (it.error ? "" : "[done]"));
  assert.equal(fake.requests.length, it.requests ?? 1);
  assert.equal(log.lines.join().includes(KEY), false);
}

const fault = (it: Fault, text = "a b c"): Script => ({ text, fault: it });
const status = (code: number, message: string, headers?: Record<string, string>): Script =>
  fault({
    kind: "status",
    status: code,
    body: { error: { code, message, type: "x" } },
    ...(headers ? { headers } : {}),
  });
const broken = /The answer of 127\.0\.0\.1:\d+ /;

const cases: readonly Case[] = [
  { name: "500", replies: [status(500, "boom")], error: ["provider", /HTTP 500: boom$/] },
  {
    name: "502 with a web page",
    replies: [fault({ kind: "status", status: 502, body: "<html>Bad</html>" })],
    requests: 3,
    error: ["provider", /HTTP 502$/],
  },
  {
    name: "plain text",
    replies: [fault({ kind: "status", status: 500, body: "out of\n  luck" })],
    error: ["provider", /: out of luck$/],
  },
  {
    name: "FastAPI's detail",
    replies: [fault({ kind: "status", status: 405, body: { detail: "Not Allowed" } })],
    error: ["provider", /405: Not Allowed/],
  },
  {
    name: "Ollama's older error",
    replies: [fault({ kind: "status", status: 400, body: { error: "bad" } })],
    error: ["provider", /400: bad/],
  },
  {
    name: "an empty body",
    replies: [fault({ kind: "status", status: 500, body: "" })],
    error: ["provider", /HTTP 500$/],
  },
  {
    name: "a key it does not like any more",
    replies: [status(401, `Incorrect API key: ${KEY}`)],
    error: ["not-configured", /refused the API key/],
  },
  { name: "a key it may not use", replies: [status(403, "no")], error: ["not-configured", /HTTP 403/] },
  {
    name: "a model that was removed",
    replies: [status(404, 'model "x" not found, try pulling it first')],
    error: ["model-unavailable", /pulling/],
  },
  { name: "an overlong message", replies: [status(500, "x".repeat(10_000))], error: ["provider", /x{400}…$/] },
  {
    name: "llama-server's overflow",
    fake: { contextTokens: 16 },
    request: textRequest("word ".repeat(40)),
    replies: ["a"],
    error: ["context-length", /41 tokens\) exceeds .* \(16 tokens\)/],
  },
  {
    name: "vLLM's overflow",
    replies: [status(400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens")],
    error: ["context-length", /maximum context length is 4096/],
  },
  {
    name: "a request it does not understand",
    replies: [status(400, "'messages' is required")],
    error: ["provider", /messages/],
  },

  {
    name: "busy, then not",
    replies: [status(429, "slow down", { "retry-after": "0" }), "ok"],
    requests: 2,
    text: "ok",
  },
  {
    name: "loading again, then not",
    replies: [status(503, "Loading model"), status(503, "Loading model"), "ok"],
    requests: 3,
    text: "ok",
  },
  {
    name: "busy for good",
    replies: [status(429, "slow down")],
    requests: 3,
    error: ["provider", /HTTP 429: slow down/],
  },
  {
    name: "busy for an hour",
    replies: [status(429, "slow down", { "retry-after": "3600" })],
    error: ["provider", /429/],
  },
  { name: "reset, then not", replies: [fault({ kind: "reset" }), "ok"], requests: 2, text: "ok" },
  {
    name: "reset for good",
    replies: [fault({ kind: "reset" })],
    requests: 3,
    error: ["provider", /connection to .* broke/],
  },
  {
    name: "broken before any text, then not",
    replies: [fault({ kind: "disconnect", after: 0 }), "ok"],
    requests: 2,
    text: "ok",
  },
  {
    name: "broken in the text",
    replies: [fault({ kind: "disconnect", after: 2 })],
    text: "a b",
    error: ["provider", /connection to .* broke/],
  },

  { name: "no answer", replies: [fault({ kind: "hang" })], error: ["timeout", /No first token/] },
  {
    name: "headers, then nothing",
    replies: [fault({ kind: "stall", after: 0 })],
    error: ["timeout", /No first token/],
  },
  {
    name: "silence in the text",
    replies: [fault({ kind: "stall", after: 2 })],
    text: "a b",
    error: ["timeout", /Nothing more/],
  },
  { name: "ends before the text", replies: [fault({ kind: "truncate", after: 0 })], error: ["provider", broken] },
  {
    name: "ends in the text",
    replies: [fault({ kind: "truncate", after: 2 })],
    text: "a b",
    error: ["provider", broken],
  },
  {
    name: "ends in the text, llama-server's own format",
    request: textRequest("x"),
    replies: [fault({ kind: "truncate", after: 2 })],
    text: "a b",
    error: ["provider", broken],
  },
  { name: "garbage", replies: [fault({ kind: "garbage", after: 1 })], text: "a", error: ["provider", broken] },
  {
    name: "an error in the stream",
    replies: [fault({ kind: "error-event", after: 1, message: "GPU fell off the bus" })],
    text: "a",
    error: ["provider", /HTTP 500: GPU fell off the bus/],
  },
  {
    name: "a page instead of a stream",
    replies: [fault({ kind: "page", contentType: "text/html", body: "<html>" })],
    error: ["provider", /is text\/html, not a stream/],
  },
  {
    name: "an error with status 200",
    replies: [fault({ kind: "page", contentType: "application/json", body: '{"error":"Unexpected endpoint"}' })],
    error: ["provider", /Unexpected endpoint/],
  },

  {
    name: "a shape it cannot do is left out",
    fake: { flavour: "plain" },
    request: chatRequest("hi", { shape: verdict }),
    replies: [status(400, "response_format is not supported"), "fine"],
    requests: 2,
    text: "fine",
  },
  {
    name: "a grammar it cannot parse is left out",
    request: textRequest("hi", { shape: verdict }),
    replies: [status(400, "Failed to initialize samplers: failed to parse grammar"), "fine"],
    requests: 2,
    text: "fine",
  },
  {
    name: "a refusal that stays is told",
    request: chatRequest("hi", { shape: verdict }),
    replies: [status(400, "grammar? never")],
    requests: 2,
    error: ["provider", /grammar\? never/],
  },
  {
    name: "everything optional is refused, one after the other",
    fake: { flavour: "plain" },
    request: chatRequest("hi", { shape: verdict, repeatPenalty: 1.1 }),
    replies: [
      status(422, "stream_options: extra"),
      status(422, "json_schema: extra"),
      status(422, "repeat_penalty: extra"),
      "ok",
    ],
    requests: 4,
    text: "ok",
  },
];
for (const it of cases) test(`endpoint: ${it.name}`, () => check(it));

test("what a server refused once is not sent again", async () => {
  await using fake = await startFakeLlama({
    flavour: "plain",
    reply: ({ body }) => (body.response_format ? status(400, "response_format: no") : "fine"),
  });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
  for (const _ of [1, 2]) assert.equal((await ask(engine, chatRequest("hi", { shape: verdict }))).text, "fine");
  assert.deepEqual(
    fake.requests.map(({ body }) => body.response_format !== undefined),
    [true, false, false],
  );
});
