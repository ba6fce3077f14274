import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText } from "ai";
import OpenAI from "openai";
import type { z } from "zod";
import type { Settings } from "../../server/protocol/settings.ts";
import type { Flavour } from "../fakes/openaiFlavour.ts";
import { piecesOf } from "../fakes/openaiScript.ts";
import type { FakeLlama } from "../fakes/openaiServer.ts";
import { always, type Dying, impatient, phases, startDying } from "../server/dyingServers.ts";
import { KEY, startDoor } from "./door.ts";

const TEXT = "A monad is a monoid in the category of endofunctors: äh, 数, 🙂 — what else did you expect?\n\n  Well.";
const PIECES = piecesOf({ text: TEXT }).length;
const MIDDLE = Math.floor(PIECES / 2);
const messages = [{ role: "user" as const, content: "Implement a monad, and explain why" }];
const ASK = { model: "auto", messages };

interface Stage extends AsyncDisposable {
  readonly client: OpenAI;
  readonly provider: ReturnType<typeof createOpenAICompatible>;
  readonly first: FakeLlama;
  readonly second: FakeLlama;
  readonly url: string;
}

/** A door with two servers that write the same, of which the first is the one that is asked. */
async function stage(
  first: Partial<Dying>,
  more: z.input<typeof Settings> = {},
  second: Partial<Dying> = {},
): Promise<Stage> {
  const one = await startDying({ text: TEXT, models: ["large"], ...first });
  const two = await startDying({ text: TEXT, models: ["small"], ...second });
  const settings = { draft: { endpoint: one.url }, audit: { endpoint: two.url }, ...more };
  const door = await startDoor(settings, { world: { openEngine: impatient } });
  const baseURL = `${door.url}/v1`;
  return {
    client: new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 }),
    provider: createOpenAICompatible({ name: "tandem", baseURL, apiKey: KEY, includeUsage: true }),
    ...{ first: one, second: two, url: door.url },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
    },
  };
}

type Chunk = OpenAI.ChatCompletionChunk & { readonly tandem?: { readonly seam: { readonly atCharacters: number } } };

async function streamed({ client }: Stage, more: Partial<OpenAI.ChatCompletionCreateParamsStreaming> = {}) {
  const stream = await client.chat.completions.create({ ...ASK, ...more, stream: true });
  const chunks: Chunk[] = await Array.fromAsync(stream);
  const text = chunks.map((it) => it.choices[0]?.delta.content ?? "").join("");
  return { chunks, text };
}

for (const { name, fault } of phases(PIECES))
  test(`a stream whose server dies ${name}`, async () => {
    await using it = await stage({ fault: always(fault) });
    const { chunks, text } = await streamed(it, { stream_options: { include_usage: true } });
    assert.equal(text, TEXT);
    assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.model}`)).size, 1);
    assert.deepEqual(
      chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? []),
      ["stop"],
    );
    assert.equal(chunks.filter((chunk) => chunk.choices[0]?.delta.role).length, 1);
    const usage = chunks.at(-1)?.usage;
    assert.equal(usage?.completion_tokens, PIECES);
    const hasText = "after" in fault && fault.after > 0;
    const seams = chunks.flatMap((chunk) => chunk.tandem?.seam.atCharacters ?? []);
    assert.equal(seams.length > 0, hasText);
    if (hasText) assert.equal(seams[0], piecesOf({ text: TEXT }).slice(0, fault.after).join("").length);
  });

test("an answer that its client had begun goes on: what llama-server repeats of that is no second time in it", async () => {
  await using it = await stage({ fault: always({ kind: "disconnect", after: 3 }) });
  const begun = { role: "assistant" as const, content: "A monad" };
  assert.equal((await streamed(it, { messages: [...messages, begun] })).text, TEXT);
  assert.ok(it.second.requests.length > 0);
});

test("Vercel's client reads on over the seam", async () => {
  await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) });
  const { textStream, finishReason } = streamText({ model: it.provider("auto"), prompt: "Implement a monad" });
  assert.equal((await Array.fromAsync(textStream)).join(""), TEXT);
  assert.equal(await finishReason, "stop");
});

test("an answer in one piece comes from the next server, whose name is in it", async () => {
  await using it = await stage({ fault: always({ kind: "reset" }) });
  const { data, response } = await it.client.chat.completions.create(ASK).withResponse();
  assert.equal(data.choices[0]?.message.content, TEXT);
  assert.equal(data.model, "small");
  assert.equal(response.headers.get("x-tandem-model"), "small");
});

test("completions go on too", async () => {
  await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) });
  const stream = await it.client.completions.create({ model: "auto", prompt: "monad: ", stream: true });
  const chunks = await Array.fromAsync(stream);
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.text ?? "").join(""), TEXT);
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.model}`)).size, 1);
});

test("the headers name the server that began", async () => {
  await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) });
  const { response } = await it.client.chat.completions.create({ ...ASK, stream: true }).withResponse();
  assert.equal(response.headers.get("x-tandem-model"), "large");
  await response.text();
});

const tool = { type: "function" as const, function: { name: "f", parameters: {} } };
const beyond: readonly { name: string; more: Partial<OpenAI.ChatCompletionCreateParamsStreaming> }[] = [
  { name: "tools", more: { tools: [tool] } },
  { name: "logprobs", more: { logprobs: true } },
  { name: "several choices", more: { n: 2 } },
  { name: "a shape", more: { response_format: { type: "json_object" } } },
  { name: "a grammar", more: { grammar: 'root ::= "a"' } as object },
];

for (const { name, more } of beyond)
  test(`a stream with ${name} is not gone on with in the middle: its client is told, and nobody else is asked`, async () => {
    await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) });
    await assert.rejects(streamed(it, more), /no other engine can go on in the middle of such an answer/);
    assert.deepEqual([it.first.requests.length, it.second.requests.length], [1, 0]);
  });

/** None of it is translated, and all of it is for the next server too. */
const OWN = {
  ...{ frequency_penalty: 0.5, presence_penalty: 0.25, logit_bias: { "7": -100 }, user: "u", metadata: { a: "b" } },
  ...{ top_k: 20, min_p: 0.05, cache_prompt: true },
};
const SAID = piecesOf({ text: TEXT }).slice(0, MIDDLE).join("");
const OPEN_TURN = { role: "assistant", content: SAID };
const ways: readonly { flavour: Flavour; isRelayed: boolean; extra: object }[] = [
  { flavour: "llama-server", isRelayed: true, extra: { return_progress: true } },
  { flavour: "vllm", isRelayed: true, extra: { add_generation_prompt: false, continue_final_message: true } },
  { flavour: "plain", isRelayed: false, extra: {} },
];

for (const { flavour, isRelayed, extra } of ways)
  test(`behind the seam ${flavour} ${isRelayed ? "is asked in the client's own words" : "is asked in ours"}`, async () => {
    await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) }, {}, { flavour });
    const { chunks, text } = await streamed(it, { ...OWN, max_tokens: 90, stream_options: { include_usage: true } });
    assert.equal(text, TEXT);
    assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.model} ${chunk.created}`)).size, 1);
    // What is asked in words says the end again, which counts.
    if (isRelayed) assert.equal(chunks.at(-1)?.usage?.completion_tokens, PIECES);
    assert.equal(chunks.filter((chunk) => chunk.tandem).length, 1);
    const { body } = it.second.requests[0] ?? {};
    assert.equal(body?.max_tokens, 90 - MIDDLE);
    if (isRelayed)
      assert.deepEqual(body, {
        ...{ ...OWN, ...extra, model: "small", max_tokens: 90 - MIDDLE, messages: [...messages, OPEN_TURN] },
        ...{ stream: true, stream_options: { include_usage: true } },
      });
    else assert.equal(body?.frequency_penalty, undefined);
  });

test("a server whose chat template does not let an answer be gone on with is asked in words", async () => {
  const message = "Assistant response prefill is incompatible with enable_thinking.";
  const refuse = (nth: number) =>
    nth < 2 ? ({ kind: "status", status: 400, body: { error: { message } } } as const) : null;
  await using it = await stage({ fault: always({ kind: "disconnect", after: MIDDLE }) }, {}, { fault: refuse });
  assert.equal((await streamed(it, { top_k: 20 } as object)).text, TEXT);
  const asked = it.second.requests.map(({ body }) => [body.top_k, body.messages?.at(-1)?.role]);
  assert.deepEqual(asked, [
    [20, "assistant"],
    [undefined, "assistant"],
    [undefined, "user"],
  ]);
});

test("several servers that break one after the other are gone on with, without a word lost or doubled", async () => {
  const once = (nth: number) => (nth === 0 ? ({ kind: "disconnect", after: 3 } as const) : null);
  await using it = await stage({ fault: once }, {}, { fault: once });
  const { chunks, text } = await streamed(it, { stream_options: { include_usage: true } });
  assert.equal(text, TEXT);
  assert.equal(chunks.at(-1)?.usage?.completion_tokens, PIECES);
  const ends = [3, 6].map((pieces) => piecesOf({ text: TEXT }).slice(0, pieces).join("").length);
  assert.deepEqual(
    chunks.flatMap((chunk) => chunk.tandem?.seam.atCharacters ?? []),
    ends,
  );
});

test("but before its first byte the next server is asked for all of it, tools and all", async () => {
  await using it = await stage({ fault: always({ kind: "status", status: 503, body: "busy" }) });
  const { text } = await streamed(it, { tools: [tool] });
  assert.equal(text, TEXT);
  assert.deepEqual(it.second.requests[0]?.body.tools, [tool]);
});

test("a model that is named is answered by itself once more, and by no other", async () => {
  const once = (nth: number) => (nth === 0 ? ({ kind: "disconnect", after: MIDDLE } as const) : null);
  await using works = await stage({ fault: once });
  assert.equal((await streamed(works, { model: "large" })).text, TEXT);
  await using broken = await stage({ fault: always({ kind: "disconnect", after: 3 }) });
  await assert.rejects(streamed(broken, { model: "large" }), OpenAI.APIError);
  assert.deepEqual([works.second.requests.length, broken.second.requests.length], [0, 0]);
});

test("a refusal of what is asked goes to nobody else", async () => {
  const body = { error: { message: "this I do not write", type: "content_filter" } };
  await using it = await stage({ fault: always({ kind: "status", status: 400, body }) });
  await assert.rejects(streamed(it), OpenAI.BadRequestError);
  assert.deepEqual([it.first.requests.length, it.second.requests.length], [1, 0]);
});

test("too long a prompt goes to who has room for it", async () => {
  await using it = await stage({ contextTokens: 24 });
  const long = [{ role: "user" as const, content: `Implement this, ${"and this ".repeat(40)}` }];
  assert.equal((await streamed(it, { messages: long })).text, TEXT);
});

test("all dead before the first byte: a status, and what was tried", async () => {
  await using it = await stage({ fault: always({ kind: "reset" }) });
  await it.second.close();
  const error: unknown = await streamed(it).then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof OpenAI.APIError);
  assert.ok(error.status === 503 || error.status === 502, String(error.status));
  assert.match(error.message, /then audit:/);
});
