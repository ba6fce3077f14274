import assert from "node:assert/strict";
import { test } from "node:test";
import { DidChangeConfigurationNotification } from "vscode-languageserver-protocol/node";
import { models, pull, run, status } from "../../server/protocol/requests.ts";
import type { RunParams } from "../../server/protocol/run.ts";
import { createGate, type Script } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

const CODE = "export function half(value: number): number {\n  return value / 2;\n}\n";
const document = { uri: "file:///half.ts", languageId: "typescript", text: CODE };
const doc = "```ts\n/** Half of the value. */\n```";
const ask = { instruction: "document half", document };

test("cancelling a request reaches the backend, and the next one is served", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  const replies: (string | Script)[] = [{ text: doc, beforePiece: gate.wait }, doc];
  await using fake = await startFakeLlama({ slots: 1, reply: () => replies.shift() ?? doc });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const stop = new AbortController();
  const answer = client.send(run, ask, { signal: stop.signal });
  const seen = await fake.nextRequest();
  gate.open(1);
  stop.abort();
  assert.equal((await failureOf(answer)).code, "cancelled");
  await seen.clientLeft;
  assert.equal((await client.send(run, ask)).kind, "edit");
});

test("a request cancelled in the queue is never sent", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 1, reply: () => ({ text: doc, beforePiece: gate.wait }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const first = client.send(run, ask);
  await fake.nextRequest();
  const stop = new AbortController();
  const inLine = Promise.withResolvers<number>();
  const second = client.send(run, ask, {
    signal: stop.signal,
    onEvent: (event) => event.kind === "waiting" && inLine.resolve(event.position),
  });
  assert.equal(await inLine.promise, 1);
  stop.abort();
  assert.equal((await failureOf(second)).code, "cancelled");
  gate.open();
  assert.equal((await first).kind, "edit");
  assert.equal(fake.requests.length, 1);
});

test("a client that vanishes takes its own work with it and nobody else's", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 4, reply: () => ({ text: doc, beforePiece: gate.wait }) });
  const settings = { draft: { endpoint: fake.url } };
  const [leaving, staying] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  void leaving.send(run, ask).catch(() => undefined);
  const lost = await fake.nextRequest();
  const kept = staying.send(run, ask);
  await fake.nextRequest();
  leaving.drop();
  await lost.clientLeft;
  gate.open();
  assert.equal((await kept).kind, "edit");
});

test("a client that vanishes with several tasks in line leaves the orchestrator to the others", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 1, reply: () => ({ text: doc, beforePiece: gate.wait }) });
  const settings = { draft: { endpoint: fake.url } };
  const [leaving, staying] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  void leaving.send(run, ask).catch(() => undefined);
  const running = await fake.nextRequest();
  const inLine = Promise.withResolvers<void>();
  for (let more = 0; more < 4; more++)
    void leaving
      .send(run, ask, { onEvent: (event) => event.kind === "waiting" && event.position === 4 && inLine.resolve() })
      .catch(() => undefined);
  await inLine.promise;
  leaving.connection.dispose();
  leaving.drop();
  await running.clientLeft;
  gate.open();
  assert.equal((await staying.send(run, ask)).kind, "edit");
  assert.equal(fake.requests.length, 2, "what the lost client had in line was never sent");
});

test("write tests for a text that was never saved: refused with a next step", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => doc });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const untitled = { ...document, uri: "untitled:Untitled-1" };
  const failure = await failureOf(client.send(run, { action: "test", instruction: "test half", document: untitled }));
  assert.equal(failure.code, "bad-input");
});

test("changed settings hold for the next task", async () => {
  await using orchestrator = await startOrchestrator();
  await using old = await startFakeLlama({ reply: () => doc });
  await using fresh = await startFakeLlama({ reply: () => doc });
  const client = await orchestrator.connect({ draft: { endpoint: old.url } });
  await client.send(run, ask);
  await client.connection.sendNotification(DidChangeConfigurationNotification.type, {
    settings: { draft: { endpoint: fresh.url } },
  });
  await client.send(run, ask);
  assert.deepEqual([old.requests.length, fresh.requests.length], [1, 1]);
  await client.connection.sendNotification(DidChangeConfigurationNotification.type, { settings: { maxTokens: -1 } });
  await client.send(run, ask);
  assert.equal(fresh.requests.length, 2, "settings that are not valid change nothing");
});

test("status names the engines and what they are doing", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => doc, models: ["coder-7b"] });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const before = await client.send(status, {});
  assert.deepEqual(
    before.engines.map((it) => [it.id, it.state]),
    [["both", "idle"]],
  );
  await client.send(run, ask);
  const [engine] = (await client.send(status, {})).engines;
  assert.equal(engine?.state, "ready");
  assert.equal(engine?.model.label, "coder-7b");
  assert.ok((engine?.decodeTokensPerSecond ?? 0) > 0);
});

test("models lists the catalogue and what is chosen for the machine", async () => {
  await using orchestrator = await startOrchestrator();
  const client = await orchestrator.connect({});
  const list = await client.send(models, {});
  assert.ok(list.models.some((it) => it.isChosen && !it.isTrial));
  assert.ok(list.models.every((it) => !it.isCached));
  assert.equal((await failureOf(client.send(pull, { model: "no-such-model" }))).code, "bad-input");
});

interface Refused {
  readonly name: string;
  readonly params: unknown;
  readonly code: string;
  readonly says: RegExp;
}

const refused: readonly Refused[] = [
  { name: "parameters of the wrong type", params: { instruction: 5 }, code: "bad-request", says: /instruction/ },
  {
    name: "an action there is not",
    params: { action: "dance", instruction: "x" },
    code: "bad-request",
    says: /action/,
  },
  { name: "nothing asked", params: { document }, code: "bad-input", says: /Neither/ },
  { name: "an edit without a file", params: { instruction: "refactor it" }, code: "bad-input", says: /no file/ },
  {
    name: "100,000 characters of instruction",
    params: { ...ask, instruction: "x".repeat(100_000) },
    code: "context-length",
    says: /100000 characters/,
  },
  {
    name: "2 million characters of file",
    params: { ...ask, document: { ...document, text: CODE.repeat(30_000) } },
    code: "bad-input",
    says: /million/,
  },
  {
    name: "a binary file",
    params: { ...ask, document: { ...document, text: "\0\u0001" } },
    code: "bad-input",
    says: /binary/,
  },
  {
    name: "an empty file",
    params: { ...ask, document: { ...document, text: " \n" } },
    code: "bad-input",
    says: /empty/,
  },
  {
    name: "code that does not parse",
    params: { ...ask, document: { ...document, text: "function half( {\n" } },
    code: "bad-input",
    says: /does not parse.*line 1/,
  },
  {
    name: "a function that is not there",
    params: {
      ...ask,
      instruction: "document quarter",
      document: { ...document, text: `${CODE}${CODE.replace("half", "third")}` },
    },
    code: "bad-input",
    says: /not clear what to document/,
  },
];

for (const it of refused)
  test(`refused with a next step: ${it.name}`, async () => {
    await using orchestrator = await startOrchestrator();
    const client = await orchestrator.connect({});
    const failure = await failureOf(client.send(run, it.params as RunParams));
    assert.equal(failure.code, it.code);
    assert.match(failure.message, it.says);
    assert.ok(failure.nextStep.length > 10);
  });

test("an endpoint that answers with an error is named, and the next request still works", async () => {
  await using orchestrator = await startOrchestrator();
  const replies: (string | Script)[] = [
    { fault: { kind: "status", status: 500, body: { error: { message: "out of luck" } } } },
    doc,
  ];
  await using fake = await startFakeLlama({ reply: () => replies.shift() ?? doc });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  const failure = await failureOf(client.send(run, ask));
  assert.equal(failure.code, "provider");
  assert.match(failure.message, /500/);
  assert.equal((await client.send(run, ask)).kind, "edit");
});

test("a task that takes longer than the ceiling ends as a time-out", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => ({ fault: { kind: "hang" } }) });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url }, timeoutS: 1 });
  assert.equal((await failureOf(client.send(run, ask))).code, "timeout");
});
