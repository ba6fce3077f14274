import assert from "node:assert/strict";
import { test } from "node:test";
import { DidChangeConfigurationNotification } from "vscode-languageserver-protocol/node";
import { run, status } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

const document = {
  uri: "file:///half.ts",
  languageId: "typescript",
  text: "export function half(value: number): number {\n  return value / 2;\n}\n",
};
const ask = { instruction: "document half", document };
const DOC = "```ts\n/** Half of the value. */\n```";

test("two clients with the same endpoint share one engine, and wait for each other", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 1, reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  const settings = { draft: { endpoint: fake.url }, auditWhen: "never" as const };
  const [one, two] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  const first = one.send(run, ask);
  await fake.nextRequest();
  const inLine = Promise.withResolvers<number>();
  const second = two.send(run, ask, { onEvent: (it) => it.kind === "waiting" && inLine.resolve(it.position) });
  assert.equal(await inLine.promise, 1);
  const seen = await two.send(status, {});
  assert.equal(seen.engines.length, 1);
  assert.deepEqual([seen.engines[0]?.users, seen.engines[0]?.queued, seen.running], [2, 1, 2]);
  gate.open();
  assert.deepEqual([(await first).kind, (await second).kind], ["edit", "edit"]);
});

test("one client's settings are nobody else's: its task goes to its own endpoint, and the other's engine stays", async () => {
  await using orchestrator = await startOrchestrator();
  await using theirs = await startFakeLlama({ reply: () => DOC });
  await using mine = await startFakeLlama({ reply: () => DOC });
  const [one, two] = [
    await orchestrator.connect({ draft: { endpoint: theirs.url } }),
    await orchestrator.connect({ draft: { endpoint: mine.url } }),
  ];
  await one.send(run, ask);
  await two.send(run, ask);
  await one.send(run, ask);
  assert.deepEqual([theirs.requests.length, mine.requests.length], [2, 1]);
  const { engines, clients } = await one.send(status, {});
  assert.deepEqual(
    engines.map((it) => [it.roles.join(), it.state, it.users]),
    [
      ["draft,audit,embed", "ready", 1],
      ["", "ready", 1],
    ],
  );
  assert.deepEqual(
    clients.map((it) => it.isYou),
    [true, false],
  );
});

test("two clients with other keys for one endpoint do not share a connection", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  const of = (apiKey: string) => orchestrator.connect({ draft: { endpoint: fake.url, apiKey } });
  const [one, two] = [await of("first"), await of("second")];
  await one.send(run, ask);
  await two.send(run, ask);
  assert.equal((await one.send(status, {})).engines.length, 2);
});

test("a client that leaves leaves its engine for the next one; one that chooses another gives it up", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  await using other = await startFakeLlama({ reply: () => DOC });
  const [leaving, watching] = [
    await orchestrator.connect({ draft: { endpoint: fake.url } }),
    await orchestrator.connect({ draft: { endpoint: fake.url } }),
  ];
  await leaving.send(run, ask);
  await watching.send(status, {});
  leaving.drop();
  const next = await orchestrator.connect({ draft: { endpoint: fake.url } });
  assert.equal((await next.send(status, {})).engines[0]?.state, "ready");
  const elsewhere = { settings: { draft: { endpoint: other.url } } };
  await next.connection.sendNotification(DidChangeConfigurationNotification.type, elsewhere);
  await watching.connection.sendNotification(DidChangeConfigurationNotification.type, elsewhere);
  assert.equal((await next.send(status, {})).engines.length, 2, "the other client has not placed its engines anew yet");
  assert.equal((await watching.send(status, {})).engines.length, 1);
});
