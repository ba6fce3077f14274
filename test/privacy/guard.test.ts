import assert from "node:assert/strict";
import { test } from "node:test";
import type { Engine, GenerateRequest, OpenEngine, Piece } from "../../server/ports.ts";
import { guardCloud } from "../../server/privacy/guard.ts";
import { createPrivacy } from "../../server/privacy/privacy.ts";
import { silentLog } from "../fakes/log.ts";

const SECRET = 'password = "tr0ub4dor"';
const REQUEST: GenerateRequest = {
  prompt: { kind: "chat", messages: [{ role: "user", content: "hello" }] },
  ...{ maxTokens: 8, temperature: 0, topP: 1, repeatPenalty: 1, seed: null, stop: [], shape: null },
};
const never = new AbortController().signal;

/** An engine that tells what it was sent. */
async function opened(isCloud: boolean): Promise<{ engine: Engine; sent: unknown[] }> {
  const sent: unknown[] = [];
  const engine = {
    async *generate(request: GenerateRequest): AsyncGenerator<Piece> {
      sent.push(request);
      yield { kind: "text", text: "hi" };
    },
    relay: async (request: unknown) => {
      sent.push(request);
      return { kind: "whole", body: {} };
    },
    embed: async () => ({ vectors: [], promptTokens: 0 }),
  } as unknown as Engine;
  const open: OpenEngine = async () => engine;
  const spec = {
    kind: "endpoint",
    url: "https://c",
    modelName: null,
    apiKey: "",
    ...(isCloud ? { isCloud } : {}),
  } as const;
  return { engine: await guardCloud(open, createPrivacy({ log: silentLog }))(spec, never), sent };
}

const texts: readonly { name: string; request: GenerateRequest }[] = [
  {
    name: "a message",
    request: { ...REQUEST, prompt: { kind: "chat", messages: [{ role: "system", content: SECRET }] } },
  },
  { name: "a text", request: { ...REQUEST, prompt: { kind: "text", text: SECRET } } },
  { name: "what the answer begins with", request: { ...REQUEST, continues: SECRET } },
  {
    name: "what prompt and answer make together",
    request: { ...REQUEST, prompt: { kind: "text", text: SECRET.slice(0, 14) }, continues: SECRET.slice(14) },
  },
  { name: "a text to stop at", request: { ...REQUEST, stop: [SECRET] } },
  {
    name: "a text beyond what is looked through",
    request: { ...REQUEST, prompt: { kind: "text", text: "x ".repeat(800_000) } },
  },
];
for (const it of texts)
  test(`the last look keeps ${it.name}`, async () => {
    const { engine, sent } = await opened(true);
    await assert.rejects(Array.fromAsync(engine.generate(it.request, never)), { code: "disabled", isRetryable: false });
    assert.deepEqual(sent, []);
  });

test("the last look lets go what is harmless, by either way", async () => {
  const { engine, sent } = await opened(true);
  assert.equal((await Array.fromAsync(engine.generate(REQUEST, never))).length, 1);
  await engine.relay?.({ path: "/chat/completions", body: { messages: [{ role: "user", content: "hello" }] } }, never);
  assert.equal(sent.length, 2);
});

test("a request that is passed on is looked through, whatever there is in it", async () => {
  const { engine, sent } = await opened(true);
  const bodies = [{ messages: [{ role: "user", content: SECRET }] }, { prompt: [1, 2] }, { [SECRET]: 1 }];
  for (const body of bodies)
    await assert.rejects(async () => engine.relay?.({ path: "/chat/completions", body }, never), { code: "disabled" });
  assert.deepEqual(sent, []);
});

test("so is an answer that was begun elsewhere and is to go on there, by itself and behind what was asked", async () => {
  const { engine, sent } = await opened(true);
  const ask = (prompt: string, text: string) =>
    engine.relay?.({ path: "/completions", body: { prompt }, goesOn: { text, head: {} } }, never);
  await assert.rejects(async () => ask("Write it.", SECRET), { code: "disabled" });
  await assert.rejects(async () => ask(SECRET.slice(0, 14), SECRET.slice(14)), { code: "disabled" });
  assert.deepEqual(sent, []);
  await ask("Write it.", "It is");
  assert.equal(sent.length, 1);
});

test("no vectors are made in the cloud, and engines here are left as they are", async () => {
  assert.equal((await opened(true)).engine.embed, null);
  const { engine, sent } = await opened(false);
  await Array.fromAsync(engine.generate({ ...REQUEST, continues: SECRET }, never));
  assert.equal(sent.length, 1);
  assert.ok(engine.embed);
});
