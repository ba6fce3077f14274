import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { generate } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { runCli } from "./cli.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

test("one call: the text streams, and the result says tokens and latency", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => "Four, as far as I know." });
  const client = await orchestrator.connect({ draft: { endpoint: fake.url } });
  let streamed = "";
  const result = await client.send(
    generate,
    {
      messages: [{ role: "user", content: "What is 2+2?" }],
      maxTokens: 100,
      temperature: 0.1,
      seed: 7,
      stop: ["\n\n"],
    },
    {
      onEvent: (event) => {
        if (event.kind === "draft") streamed += event.text;
      },
    },
  );
  assert.equal(result.text, "Four, as far as I know.");
  assert.equal(streamed, result.text);
  assert.equal(result.tokensUsed, result.promptTokens + result.completionTokens);
  assert.ok(result.promptTokens > 0 && result.completionTokens > 0 && result.latencyMs > 0);
  const { body } = fake.requests[0] ?? {};
  assert.deepEqual([body?.max_tokens, body?.temperature, body?.seed, body?.stop], [100, 0.1, 7, ["\n\n"]]);
});

test("a raw prompt is continued as it stands, by the engine of the role", async () => {
  await using orchestrator = await startOrchestrator();
  await using drafter = await startFakeLlama({ reply: () => "no" });
  await using auditor = await startFakeLlama({ reply: () => " return a + b;" });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const result = await client.send(generate, { prompt: "int add(int a, int b) {", role: "audit" });
  assert.equal(result.text, " return a + b;");
  assert.equal(auditor.requests[0]?.prompt, "int add(int a, int b) {");
  assert.equal(drafter.requests.length, 0);
});

test("two at once neither wait for the other, when they go to different engines", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using drafter = await startFakeLlama({ slots: 1, reply: () => ({ text: "slow", beforePiece: gate.wait }) });
  await using auditor = await startFakeLlama({ slots: 1, reply: () => "fast" });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const slow = client.send(generate, { prompt: "a" });
  await drafter.nextRequest();
  assert.equal((await client.send(generate, { prompt: "b", role: "audit" })).text, "fast");
  gate.open();
  assert.equal((await slow).text, "slow");
});

const wrong = [
  { name: "neither prompt nor messages", params: {} },
  { name: "both", params: { prompt: "a", messages: [{ role: "user" as const, content: "b" }] } },
  { name: "a temperature beyond 2", params: { prompt: "a", temperature: 3 } },
  { name: "no tokens", params: { prompt: "a", maxTokens: 0 } },
];

for (const it of wrong)
  test(`refused: ${it.name}`, async () => {
    await using orchestrator = await startOrchestrator();
    const client = await orchestrator.connect({});
    assert.equal((await failureOf(client.send(generate, it.params))).code, "bad-request");
  });

test("on the command line the text alone is on stdout", async () => {
  await using fake = await startFakeLlama({ reply: () => "Four." });
  const args = ["generate", "--endpoint", fake.url, "--max-tokens", "8", "--temperature", "0", "What is 2+2?"];
  const run = await runCli(args, { cwd: tmpdir() });
  assert.equal(run.code, 0, run.stderr);
  assert.equal(run.stdout, "Four.\n");
  assert.match(run.stderr, /\d+ tokens \(\d+ read, \d+ written\) in [\d.]+ s, fake-coder on /);
  const bad = await runCli(["generate", "--json", "--temperature", "hot", "x"], { cwd: tmpdir() });
  assert.equal(bad.code, 1);
  assert.match(JSON.parse(bad.stdout).message, /^--temperature: .*received no number$/);
});

test("on the command line why an answer broke off stands on a line of its own", async () => {
  await using fake = await startFakeLlama({
    reply: () => ({ text: "Four, as", fault: { kind: "disconnect", after: 2 } }),
  });
  const run = await runCli(["generate", "--endpoint", fake.url, "What is 2+2?"], { cwd: tmpdir() });
  assert.equal(run.code, 1);
  assert.match(run.stdout, /^Four.*\n$/);
});
