import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { Embeddings } from "../../server/ports.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { recordingLog } from "../fakes/log.ts";
import { errorBody } from "../fakes/openaiFlavour.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { base64Of, type EmbedReply } from "../fakes/openaiVectors.ts";

const never = new AbortController().signal;
const list = (data: readonly unknown[], usage?: object): EmbedReply => ({ status: 200, body: { data, usage } });
const item = (index: number | undefined, embedding: unknown) => ({ index, embedding });

interface Case {
  readonly name: string;
  readonly flavour?: "llama-server" | "plain";
  readonly texts?: readonly string[];
  readonly reply: EmbedReply | null;
  readonly want?: readonly (readonly number[])[];
  readonly promptTokens?: number;
  readonly error?: readonly [code: ErrorCode, message: RegExp];
}

const cases: readonly Case[] = [
  {
    name: "one vector a text",
    reply: [
      [1, 0],
      [0, 1],
    ],
    want: [
      [1, 0],
      [0, 1],
    ],
    promptTokens: 2,
  },
  {
    name: "by index, whatever the order",
    reply: list([item(1, [0, 1]), item(0, [1, 0])], { prompt_tokens: 7 }),
    want: [
      [1, 0],
      [0, 1],
    ],
    promptTokens: 7,
  },
  {
    name: "without index or usage, as they come; tokens are guessed",
    reply: list([item(undefined, [1, 0]), item(undefined, [0, 1])]),
    want: [
      [1, 0],
      [0, 1],
    ],
    promptTokens: 2,
  },
  {
    name: "base64",
    reply: list([item(0, base64Of([0.5, -2])), item(1, base64Of([3, 0]))], { prompt_tokens: 1 }),
    want: [
      [0.5, -2],
      [3, 0],
    ],
    promptTokens: 1,
  },
  { name: "no text, no request", texts: [], reply: null, want: [], promptTokens: 0 },
  { name: "lengths differ", reply: [[1, 0], [1]], error: ["provider", /mixes vectors of 2 and of 1/] },
  { name: "one too few", reply: [[1, 0]], error: ["provider", /1 vectors for 2 texts/] },
  { name: "one too many", reply: [[1], [1], [1]], error: ["provider", /text 2, of 2, that nobody asked for/] },
  {
    name: "one twice",
    reply: list([item(0, [1]), item(0, [1])]),
    error: ["provider", /text 0, of 2, that nobody asked for/],
  },
  { name: "empty ones", reply: [[], []], error: ["provider", /empty vectors/] },
  { name: "null for a number", reply: list([item(0, [1, null]), item(1, [1, 2])]), error: ["provider", /no list/] },
  {
    name: "not a number in base64",
    reply: list([item(0, base64Of([Number.NaN])), item(1, base64Of([1]))]),
    error: ["provider", /are no numbers/],
  },
  { name: "base64 cut off", reply: list([item(0, "AAAA"), item(1, "AAAA")]), error: ["provider", /no list/] },
  { name: "something else", reply: { status: 200, body: { hello: 1 } }, error: ["provider", /no list of vectors/] },
  { name: "an error with status 200", reply: { status: 200, body: { error: "no" } }, error: ["provider", /: no$/] },
  {
    name: "a llama-server not started for it",
    reply: null,
    error: ["not-configured", /makes no vectors.*--embeddings/],
  },
  { name: "a server without the path", flavour: "plain", reply: null, error: ["not-configured", /makes no vectors/] },
  {
    name: "a model that cannot",
    flavour: "plain",
    reply: { status: 400, body: { error: "this model does not support embeddings" } },
    error: ["not-configured", /does not support embeddings/],
  },
  {
    name: "a text that is too long",
    reply: {
      status: 500,
      body: errorBody(
        500,
        "input (702 tokens) is too large to process. increase the physical batch size",
        "server_error",
      ),
    },
    error: ["context-length", /702 tokens/],
  },
  {
    name: "a server in trouble",
    reply: { status: 500, body: errorBody(500, "boom", "server_error") },
    error: ["provider", /HTTP 500: boom/],
  },
];

for (const it of cases)
  test(`vectors: ${it.name}`, async () => {
    const { reply } = it;
    const asked: (readonly string[])[] = [];
    const embed = (texts: readonly string[]): EmbedReply => {
      asked.push(texts);
      return reply ?? [];
    };
    await using fake = await startFakeLlama({
      reply: () => "",
      flavour: it.flavour ?? "llama-server",
      ...(reply === null ? {} : { embed }),
    });
    const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
    await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
    const texts = it.texts ?? ["one", "two"];
    let made: Embeddings | undefined;
    let thrown: unknown = null;
    try {
      made = await engine.embed?.(texts, never);
    } catch (error) {
      thrown = error;
    }
    if (it.error) {
      assert.ok(thrown instanceof TandemError, String(thrown));
      assert.equal(thrown.code, it.error[0]);
      assert.match(thrown.message, it.error[1]);
      assert.notEqual(thrown.nextStep, "");
    } else {
      assert.equal(thrown, null);
      assert.deepEqual(made, { vectors: it.want, promptTokens: it.promptTokens });
      assert.deepEqual(asked, texts.length === 0 ? [] : [texts]);
    }
  });

test("a signal that has fired asks nothing", async () => {
  await using fake = await startFakeLlama({ reply: () => "", embed: () => [[1]] });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
  await assert.rejects(
    engine.embed?.(["a"], AbortSignal.abort()) ?? Promise.resolve(),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
  assert.equal(fake.seen.includes("POST /v1/embeddings"), false);
});
