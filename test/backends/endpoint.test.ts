import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import type { AnswerShape, GenerateRequest } from "../../server/ports.ts";
import { recordingLog } from "../fakes/log.ts";
import type { Script } from "../fakes/openaiScript.ts";
import { type FakeOptions, type FakeRequest, startFakeLlama } from "../fakes/openaiServer.ts";
import { ask, chatRequest, type Heard, textRequest } from "./ask.ts";

const signal = new AbortController().signal;
const verdict: AnswerShape = {
  name: "verdict",
  gbnf: 'root ::= "ok" | "bad"',
  jsonSchema: { enum: ["ok", "bad"] },
};

async function check(
  given: Omit<FakeOptions, "reply"> & { reply: string | Script; request: GenerateRequest },
  look: (heard: Heard, sent: FakeRequest) => void,
): Promise<void> {
  await using fake = await startFakeLlama({ ...given, reply: () => given.reply });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: given.apiKey ?? "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, signal);
  const heard = await ask(engine, given.request);
  const sent = fake.requests.at(-1);
  assert.ok(sent);
  assert.equal(fake.requests.length, 1);
  assert.equal(heard.pieces.includes(""), false, "no empty pieces");
  look(heard, sent);
}

const formats = [
  { name: "llama-server, text", flavour: "llama-server", request: textRequest("let x ="), path: "/completion" },
  { name: "llama-server, chat", flavour: "llama-server", request: chatRequest("hi"), path: "/v1/chat/completions" },
  { name: "others, text", flavour: "plain", request: textRequest("let x ="), path: "/v1/completions" },
  { name: "others, chat", flavour: "plain", request: chatRequest("hi"), path: "/v1/chat/completions" },
] as const;

for (const it of formats) {
  test(`${it.name}: text in order, then what it took`, () =>
    check({ ...it, reply: { text: " a small 🦙\n", cachedTokens: 1, finish: "stop" } }, (heard, sent) => {
      assert.equal(sent.path, it.path);
      assert.equal(sent.body.model, "fake-coder");
      assert.deepEqual(heard.pieces, [" a", " small", " 🦙", "\n"]);
      assert.equal(heard.done.finish, "stop");
      assert.equal(heard.done.completionTokens, 4);
      assert.equal(heard.done.cachedTokens, 1);
      assert.ok(heard.done.promptTokens > 0);
      assert.equal(heard.done.prefillMs, 184.653);
    }));
  test(`${it.name}: the answer that was cut at maxTokens says so`, () =>
    check({ ...it, reply: { text: "a", finish: "length" } }, (heard) => assert.equal(heard.done.finish, "length")));
  test(`${it.name}: an empty answer`, () =>
    check({ ...it, reply: "" }, (heard) => {
      assert.equal(heard.text, "");
      assert.equal(heard.done.completionTokens, 0);
    }));
  test(`${it.name}: sampling reaches the server`, () =>
    check(
      {
        ...it,
        reply: "a",
        request: {
          ...it.request,
          temperature: 0.2,
          topP: 0.9,
          repeatPenalty: 1.1,
          seed: 7,
          stop: ["\n}", "```"],
          maxTokens: 9,
        },
      },
      (_, { body }) => {
        assert.equal(body.temperature, 0.2);
        assert.equal(body.top_p, 0.9);
        assert.equal(body.seed, 7);
        assert.deepEqual(body.stop, ["\n}", "```"]);
        assert.equal(body.repeat_penalty, 1.1);
        assert.equal(body.n_predict ?? body.max_tokens, 9);
        assert.equal(body.cache_prompt ?? false, it.flavour === "llama-server");
      },
    ));
  test(`${it.name}: the shape goes out as the server understands it`, () =>
    check({ ...it, reply: "ok", request: { ...it.request, shape: verdict } }, (_, { body }) => {
      if (it.flavour === "llama-server") assert.equal(body.grammar, verdict.gbnf);
      else
        assert.deepEqual(body.response_format, {
          type: "json_schema",
          json_schema: { name: "verdict", schema: verdict.jsonSchema, strict: true },
        });
    }));
}

test("thoughts are not part of the answer: a field of their own", () =>
  check({ reply: { reasoning: "hm, secret", text: "x = 1" }, request: chatRequest("hi") }, (heard) =>
    assert.equal(heard.text, "x = 1"),
  ));
test("thoughts are not part of the answer: tags in the text", () =>
  check({ reply: { pieces: ["<th", "ink>secret</", "think>\n", "\nx = 1"] }, request: chatRequest("hi") }, (heard) =>
    assert.equal(heard.text, "x = 1"),
  ));
test("text that is continued keeps its tags", () =>
  check({ reply: { pieces: ["<think>", "x"] }, request: textRequest("const open = ") }, (heard) =>
    assert.equal(heard.text, "<think>x"),
  ));
test("the key goes with every request", () =>
  check({ reply: "a", request: chatRequest("hi"), apiKey: "k-123" }, (_, { headers }) =>
    assert.equal(headers.authorization, "Bearer k-123"),
  ));

test("two generations at once keep their texts apart", async () => {
  await using fake = await startFakeLlama({ reply: ({ prompt }) => `${prompt} `.repeat(50) });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, signal);
  const [a, b] = await Promise.all([ask(engine, textRequest("a")), ask(engine, textRequest("b"))]);
  assert.equal(a.text, "a ".repeat(50));
  assert.equal(b.text, "b ".repeat(50));
});
