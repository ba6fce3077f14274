import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ForecastAnswer,
  GpuStatusAnswer,
  LlmGenerateAnswer,
  LlmHealthAnswer,
  LlmLoadAnswer,
  LlmModelsAnswer,
  MemoryStatsAnswer,
  OptimalAnswer,
  RebalanceAnswer,
} from "../../server/protocol/gpuApi.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor, type TestDoor } from "./door.ts";

const BEARER = { authorization: `Bearer ${KEY}` };
let fake: FakeLlama;
let door: TestDoor;
before(async () => {
  fake = await startFakeLlama({
    reply: ({ body }) => `about ${/one|two|three/.exec(JSON.stringify(body))?.[0] ?? "nothing"}`,
  });
  door = await startDoor({ draft: { endpoint: fake.url } });
});
after(async () => {
  await door[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

async function ask(method: "GET" | "POST", path: string, body?: unknown, headers: Record<string, string> = BEARER) {
  const type: Record<string, string> = body === undefined ? {} : { "content-type": "application/json" };
  const answer = await fetch(door.url + path, {
    ...{ method, headers: { ...headers, ...type } },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const read = (await answer.json()) as { readonly error: { readonly message: string } };
  return { status: answer.status, body: read };
}

const shapes = [
  { method: "GET", path: "/v1/gpu/status", shape: GpuStatusAnswer, needsKey: true },
  { method: "GET", path: "/v1/gpu/memory-forecast?hours=2", shape: ForecastAnswer, needsKey: true },
  { method: "GET", path: "/v1/gpu/models-optimal?agent_type=Chat", shape: OptimalAnswer, needsKey: true },
  { method: "POST", path: "/v1/gpu/rebalance", shape: RebalanceAnswer, needsKey: true },
  { method: "GET", path: "/llm/models", shape: LlmModelsAnswer, needsKey: false },
  { method: "GET", path: "/llm/health", shape: LlmHealthAnswer, needsKey: false },
  { method: "GET", path: "/memory/stats", shape: MemoryStatsAnswer, needsKey: true },
] as const;
for (const { method, path, shape, needsKey } of shapes)
  test(`${method} ${path}: its shape, and ${needsKey ? "a key is needed" : "on loopback no key is needed"}`, async () => {
    const answer = await ask(method, path);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    shape.parse(answer.body);
    assert.equal((await ask(method, path, undefined, {})).status, needsKey ? 401 : 200);
    assert.equal((await ask(method, path, undefined, { authorization: "Bearer wrong" })).status, 401);
  });

test("several prompts are answered in their order, with what each took", async () => {
  const asked = { prompts: ["one", "two", "three"], system_prompt: "Be brief.", max_tokens: 16, temperature: 0 };
  const { status, body } = await ask("POST", "/llm/generate", asked);
  assert.equal(status, 200, JSON.stringify(body));
  const answer = LlmGenerateAnswer.parse(body);
  assert.deepEqual(answer.contents, ["about one", "about two", "about three"]);
  assert.equal(answer.prompt_tokens.length, 3);
  assert.ok(answer.completion_tokens.every((it) => it > 0));
});

test("the models that suit, with what each costs; a model is loaded before it is asked", async () => {
  const optimal = OptimalAnswer.parse((await ask("GET", "/v1/gpu/models-optimal")).body);
  const [first] = optimal.models;
  assert.ok(first && first.estimated_ms > 0 && first.reason.length > 10);
  const loaded = await ask("POST", "/llm/models/load", { model_name: first.model_name });
  assert.equal(loaded.status, 200, JSON.stringify(loaded.body));
  assert.equal(LlmLoadAnswer.parse(loaded.body).status, "ready");
});

const wrong = [
  { name: "no prompt", path: "/llm/generate", body: { prompts: [] }, status: 400, says: /prompts/ },
  {
    name: "a field there is not",
    path: "/llm/generate",
    body: { prompts: ["a"], top_k: 3 },
    status: 400,
    says: /top_k/,
  },
  {
    name: "a model there is not",
    path: "/llm/generate",
    body: { prompts: ["a"], model_name: "gpt-9" },
    status: 404,
    says: /gpt-9/,
  },
  {
    name: "a quantisation that it does not have",
    path: "/llm/generate",
    body: { prompts: ["a"], model_name: "tinyllama-1.1b-chat-iq2xxs", quantization: "float16" },
    status: 400,
    says: /is here as IQ2_XXS/,
  },
  { name: "a benchmark of nothing", path: "/v1/gpu/benchmark-model", body: undefined, status: 400, says: /model_name/ },
] as const;
for (const { name, path, body, status, says } of wrong)
  test(`refused: ${name}`, async () => {
    const answer = await ask("POST", path, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.error.message, says);
  });

test("refused: hours that are none", async () => {
  const { status, body } = await ask("GET", "/v1/gpu/memory-forecast?hours=soon");
  assert.equal(status, 400);
  assert.match(body.error.message, /hours/);
});
