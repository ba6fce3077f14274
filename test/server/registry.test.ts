import assert from "node:assert/strict";
import { realpath, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createConfigOwner } from "../../server/config/owner.ts";
import { createDiscovery } from "../../server/discovery/discovery.ts";
import { catalogue } from "../../server/models/catalogue.ts";
import { register, registry, unregister } from "../../server/protocol/registry.ts";
import { chat, embeddings, status } from "../../server/protocol/requests.ts";
import { createRegistry } from "../../server/registry/registry.ts";
import { createStored } from "../../server/registry/stored.ts";
import { silentLog } from "../fakes/log.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { type LocalOrchestrator, startLocal } from "./localModels.ts";
import { failureOf, type TestClient } from "./orchestrator.ts";

const HELLO = [{ role: "user" as const, content: "What is a monad?" }];

async function ask(client: TestClient, model: string): Promise<string> {
  const result = await client.send(chat, { model, messages: HELLO });
  return result.kind === "whole" ? result.body.model : assert.fail();
}

/** Writes the configuration file and has it read; returns what there is then. */
async function configure(local: LocalOrchestrator, client: TestClient, config: unknown) {
  await writeFile(join(local.folder, "tandem.jsonc"), JSON.stringify(config));
  return client.send(registry, { look: true });
}

test("a model of the configuration file is loaded as it says, from the next request on, and another one when it changes", async () => {
  await using local = await startLocal({});
  const [a, b] = [await local.model("a"), await local.model("b")];
  const client = await local.connect({ audit: { model: a } });
  const models = [{ name: "coder", model: a, contextTokens: 1_024, keyType: "q8_0" }];
  await configure(local, client, { models, roles: { draft: { model: "coder" } } });
  assert.equal(await ask(client, "auto"), a);
  const [opened] = local.engines.opened;
  assert.deepEqual([opened?.contextTokens, opened?.options.keyType], [1_024, "q8_0"]);
  await configure(local, client, { models: [{ name: "coder", model: b }], roles: { draft: { model: "coder" } } });
  assert.equal(await ask(client, "auto"), b);
  await configure(local, client, { models: [{ name: "coder", model: 3 }], roles: { draft: { model: "coder" } } });
  assert.equal(await ask(client, "auto"), b, "a mistake in the file changes nothing");
});

test("a client's own settings are over the configuration file's, and nobody else's are", async () => {
  await using local = await startLocal({});
  const [a, b] = [await local.model("a"), await local.model("b")];
  const own = await local.connect({ draft: { model: b }, audit: { model: b } });
  const other = await local.connect({});
  await configure(local, own, { roles: { draft: { model: a } } });
  assert.deepEqual([await ask(own, "auto"), await ask(other, "auto")], [b, a]);
});

test("a registered model can be asked for by every client, until it is taken away", async () => {
  await using local = await startLocal({});
  const file = await local.model("mine");
  const set = await local.model("set");
  const [one, two] = [await local.connect({ draft: { model: set } }), await local.connect({ draft: { model: set } })];
  const made = await one.send(register, { model: { name: "mine", model: file, vramGb: 5, bestFor: "tests" } });
  assert.deepEqual([made.name, made.origin, made.vramGb, made.where], ["mine", "registered", 5, file]);
  assert.equal(await ask(two, "mine"), file);
  const { models } = await two.send(registry, {});
  assert.equal(models.find((it) => it.name === "mine")?.bestFor, "tests");
  await two.send(unregister, { name: "mine" });
  assert.match((await failureOf(one.send(unregister, { name: "mine" }))).message, /No model is registered as "mine"/);
  const third = await local.connect({ draft: { model: set } });
  assert.match((await failureOf(ask(third, "mine"))).message, /mine/);
});

test("no two models have one name, and it is said whose it is", async () => {
  await using local = await startLocal({});
  const client = await local.connect({});
  const [known] = catalogue;
  const taken = await failureOf(client.send(register, { model: { name: known?.id ?? "", model: "/x.gguf" } }));
  assert.match(taken.message, /^The catalogue has a model called/);
  await client.send(register, { model: { name: "later", model: "/later.gguf" } });
  const { models, problems } = await configure(local, client, { models: [{ name: "later", model: "/first.gguf" }] });
  assert.deepEqual(problems, []);
  const named = models.filter((it) => it.name === "later");
  assert.deepEqual(
    named.map((it) => [it.origin, it.hiddenBy]),
    [
      ["config", null],
      ["registered", "the configuration file has another model of this name (/first.gguf)"],
    ],
  );
});

test("a model that a running server has is asked for by name there, without being set up", async () => {
  await using local = await startLocal({});
  await using server = await startFakeLlama({ reply: () => ({ text: "from there" }), models: ["phi"] });
  const client = await local.connect({ draft: { model: await local.model("set") } });
  const { servers, models } = await configure(local, client, { hosts: [server.url] });
  assert.deepEqual(
    servers.map((it) => [it.kind, it.url, it.models.map((model) => model.name)]),
    [["llama-server", server.url, ["phi"]]],
  );
  assert.equal(models.find((it) => it.name === "phi")?.origin, "discovered");
  assert.equal(await ask(client, "phi"), "phi");
  assert.equal(await ask(client, `phi@${new URL(server.url).host}`), "phi", "by its address as well");
});

test("a model file that a running server has loaded is asked there instead of being loaded again; not when that is switched off", async () => {
  await using local = await startLocal({});
  const file = await local.model("big");
  const path = await realpath(file.slice("file:".length));
  await using server = await startFakeLlama({ reply: () => ({ text: "from there" }), models: [path] });
  const client = await local.connect({ draft: { model: file } });
  const hosts = [server.url];
  await configure(local, client, { hosts });
  assert.equal(await ask(client, "auto"), path);
  assert.deepEqual(local.engines.opened, []);
  const { engines } = await client.send(status, {});
  assert.equal(engines.find((it) => it.roles.includes("draft"))?.device, new URL(server.url).host);

  const other = await local.model("other");
  await configure(local, client, { hosts, discovery: { isAttached: false } });
  const fresh = await local.connect({ draft: { model: other } });
  assert.equal(await ask(fresh, "auto"), other);
  assert.equal(local.engines.opened.length, 1);
});

test("what is forced holds for everybody, and who is refused hears why", async () => {
  await using local = await startLocal({});
  const client = await local.connect({ draft: { model: await local.model("a") } });
  await configure(local, client, { backends: { force: "endpoint" } });
  const failure = await failureOf(ask(client, "auto"));
  assert.equal(failure.code, "not-configured");
  assert.match(failure.message, /only servers that run already may be used/);
});

test("a model is loaded before anybody asks and pinned, as the file says, and shared with who asks", async () => {
  await using local = await startLocal({});
  const file = await local.model("kept");
  const client = await local.connect({ draft: { model: "kept" } });
  await configure(local, client, { models: [{ name: "kept", model: file, isPreloaded: true, isPinned: true }] });
  assert.equal(await ask(client, "auto"), file);
  const { engines } = await client.send(status, {});
  const draft = engines.find((it) => it.roles.includes("draft"));
  assert.deepEqual([draft?.isPinned, draft?.users], [true, 2]);
  const other = { name: "kept", model: file, isPreloaded: true, isPinned: true, contextTokens: 1_024 };
  await configure(local, client, { models: [other] });
  assert.equal(await ask(client, "auto"), file);
  const { engines: then } = await client.send(status, {});
  assert.deepEqual(
    then.flatMap((it) => (it.isPinned ? [it.users] : [])),
    [2],
    "what is opened otherwise is another engine, and the one before is pinned no longer",
  );
  await configure(local, client, {});
  const after = await client.send(status, {});
  assert.equal(
    after.engines.some((it) => it.isPinned),
    false,
  );
});

test("vectors of another length than the settings say are refused", async () => {
  await using local = await startLocal({ vector: () => [1, 0, 0] });
  const model = await local.model("vectors");
  const [right, wrong] = [3, 4].map((dimensions) => local.connect({ embed: { model, dimensions } }));
  assert.equal((await (await right)?.send(embeddings, { model: "auto", input: "x" }))?.data[0]?.embedding.length, 3);
  const failure = await failureOf((await wrong)?.send(embeddings, { model: "auto", input: "x" }) ?? assert.fail());
  assert.match(failure.message, /vectors of 3 numbers, and 4 are set/);
});

test("registered models outlive the orchestrator; a list that cannot be read costs the list", async () => {
  await using local = await startLocal({});
  const path = join(local.folder, "again", "models.json");
  const open = () => {
    const config = createConfigOwner({ path: join(local.folder, "none.jsonc"), env: {}, log: silentLog });
    const discovery = createDiscovery({
      config: () => config.now().config,
      clock: { nowMs: () => 0 },
      log: silentLog,
      ports: [],
    });
    return createRegistry({ config, discovery, catalogue: [], stored: createStored(path, silentLog), log: silentLog });
  };
  const names = async (of = open()) => (await of.shown()).models.map((it) => it.name);
  const first = open();
  await Promise.all([
    first.register({ name: "a", backend: "ollama" }),
    first.register({ name: "b", backend: "ollama" }),
  ]);
  assert.deepEqual(await names(), ["a", "b"]);
  await writeFile(path, '{"models":[{"name":"a","backend":"ollama"},{"name":"z","backend":"from the future"}]}');
  assert.deepEqual(await names(), ["a"]);
  await writeFile(path, "{");
  assert.deepEqual(await names(), []);
});
