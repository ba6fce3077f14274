import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, embeddings, listModels, status } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startLocal } from "./localModels.ts";
import { failureOf, startOrchestrator, type TestClient } from "./orchestrator.ts";

const HELLO = [{ role: "user" as const, content: "What is a monad?" }];

async function ask(client: TestClient, model: string): Promise<string> {
  const result = await client.send(chat, { model, messages: HELLO });
  return result.kind === "whole" ? result.body.model : assert.fail();
}

test("a file that a request names is opened, stays, and is only ever used by name", async () => {
  await using local = await startLocal({});
  const [set, named] = [await local.model("set"), await local.model("named")];
  const client = await local.connect({ draft: { model: set } });
  assert.equal(await ask(client, named), named);
  assert.equal(await ask(client, "named"), named, "by its label as well");
  assert.equal(await ask(client, named), named);
  assert.equal(await ask(client, "auto"), set);
  assert.deepEqual(
    local.engines.opened.map((it) => it.model.id),
    [named, set],
  );
  const other = await local.connect({ draft: { model: set } });
  const { engines } = await other.send(status, {});
  assert.deepEqual(engines.find((it) => it.model.id === named)?.roles, []);
});

test("what requests name takes the place of what they named before, never of what is at work", async () => {
  const gate = createGate();
  await using local = await startLocal({ reply: () => ({ text: "ok", beforePiece: gate.wait }) });
  const [a, b, c] = [await local.model("a"), await local.model("b"), await local.model("c")];
  const client = await local.connect({ draft: { model: await local.model("set") } });
  const busy = [ask(client, a), ask(client, b)];
  const failure = await failureOf(ask(client, c));
  assert.equal(failure.code, "model-unavailable");
  assert.match(failure.message, /2 models that requests named are at work/);
  gate.open();
  await Promise.all(busy);
  assert.equal(await ask(client, c), c);
  assert.deepEqual(local.engines.closed, [a]);
  assert.equal(await ask(client, b), b);
  assert.equal(local.engines.opened.length, 3);
});

test("many named at once: each is answered or told to wait, and none is closed under another's hands", async () => {
  await using local = await startLocal({});
  const names = await Promise.all(["a", "b", "c", "d"].map((it) => local.model(it)));
  const client = await local.connect({ draft: { model: await local.model("set") } });
  const answers = await Promise.allSettled([...names, ...names].map((it) => ask(client, it)));
  const failures = answers.flatMap((it) => (it.status === "rejected" ? [String(it.reason)] : []));
  assert.ok(
    failures.every((it) => /are at work/.test(it)),
    failures.join("\n"),
  );
  assert.ok(failures.length < answers.length);
});

test("a file that is no model is the request's fault", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("set") } });
  assert.equal((await failureOf(ask(client, "file:/nowhere/at-all.gguf"))).code, "bad-input");
});

test("a model that makes vectors writes nothing, by name or by routing", async () => {
  await using local = await startLocal({ vector: () => [1] });
  const [set, vectors] = [await local.model("set"), await local.model("vectors")];
  const client = await local.connect({ draft: { model: set }, embed: { model: vectors } });
  assert.equal((await client.send(embeddings, { model: vectors, input: "a" })).model, vectors);
  const failure = await failureOf(ask(client, vectors));
  assert.deepEqual([failure.code, failure.details?.param], ["bad-request", "model"]);
  assert.equal(await ask(client, "auto"), set);
});

test("the list: auto, then the session's engines, each model once", async () => {
  await using local = await startLocal({ vector: () => [1] });
  await using fake = await startFakeLlama({ models: ["served"], contextTokens: 2_048, reply: () => "no" });
  const vectors = await local.model("vectors");
  const client = await local.connect({ draft: { endpoint: fake.url }, embed: { model: vectors } });
  const list = await client.send(listModels, {});
  assert.deepEqual(
    list.data.map(({ id, owned_by, context_length, engine, roles }) => [id, owned_by, context_length, engine, roles]),
    [
      ["auto", "tandem", null, null, ["draft", "audit", "embed"]],
      ["served", new URL(fake.url).host, 2_048, "both", ["draft", "audit"]],
      [vectors, "tandem", 4_096, "embed", ["embed"]],
    ],
  );
  assert.ok(list.data.every((it) => it.object === "model" && Math.abs(it.created - Date.now() / 1000) < 60));
});

test("an endpoint that is not there is not in the list, and costs it nothing", async () => {
  await using local = await startLocal({});
  const fake = await startFakeLlama({ reply: () => "no" });
  await fake.close();
  const client = await local.connect({ draft: { endpoint: fake.url } });
  const list = await client.send(listModels, {});
  assert.deepEqual(
    list.data.map((it) => it.id),
    ["auto"],
  );
});

test("a server with several models: each can be named, is listed, and is asked for by its name", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ models: ["first", "second", "third:latest"], reply: () => "ok" });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const asked = () => fake.requests.map(({ body }) => (body as { model?: string }).model);
  assert.equal(await ask(client, "auto"), "first");
  assert.equal(await ask(client, "second"), "second");
  assert.equal(await ask(client, "third"), "third:latest");
  assert.equal(await ask(client, "second"), "second");
  assert.deepEqual(asked(), ["first", "second", "third:latest", "second"]);
  const { data } = await client.send(listModels, {});
  assert.deepEqual(
    data.map(({ id }) => id),
    ["auto", "first", "second", "third:latest"],
  );
  assert.match((await failureOf(ask(client, "fourth"))).nextStep, /auto, first, second, third:latest/);
  assert.equal((await client.send(status, {})).engines.length, 3);
});
