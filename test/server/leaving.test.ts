import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { runCli } from "./cli.ts";
import { createInstance } from "./instance.ts";
import { startServing } from "./served.ts";

/** Less than the time that running answers are given. */
const MOVING_MS = 9_000;
const POLL_MS = 10;
const chat = { model: "auto", messages: [{ role: "user", content: "hello" }] } as const;

/** `tandem serve` with one answer of it half written; `text` resolves with the whole of it. */
async function halfAnswered() {
  const gate = createGate();
  const fake = await startFakeLlama({ reply: () => ({ text: "one two three", beforePiece: gate.wait }) });
  const instance = await createInstance();
  const at = { cwd: instance.folder, env: instance.env };
  const { cli, pid, openai } = await startServing({ ...at, endpoint: fake.url });
  const stream = await openai.chat.completions.create({ ...chat, messages: [...chat.messages], stream: true });
  const request = await fake.nextRequest();
  const text = (async () => {
    let all = "";
    for await (const chunk of stream) all += chunk.choices[0]?.delta.content ?? "";
    return all;
  })();
  text.catch(() => undefined);
  return {
    ...{ gate, at, instance, pid, request, text },
    async [Symbol.asyncDispose]() {
      cli.process.kill("SIGTERM");
      await cli.ended;
      await instance[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

test("an orchestrator that makes room finishes its HTTP answers before it leaves", async () => {
  await using stage = await halfAnswered();
  const stopping = runCli(["stop"], stage.at);
  // The next one serves by then, and every client of the old one has gone to it.
  const deadlineMs = performance.now() + MOVING_MS;
  while ([null, stage.pid].includes(await stage.instance.pid())) {
    assert.ok(performance.now() < deadlineMs, "nobody moved to another orchestrator");
    await wait(POLL_MS);
  }
  stage.gate.open();
  assert.equal(await stage.text, "one two three");
  assert.equal((await stopping).code, 0);
  await stage.instance.gone(stage.pid);
});

test("an orchestrator that is to leave now says so to who reads an HTTP answer, and goes", async () => {
  await using stage = await halfAnswered();
  const stopped = await runCli(["stop", "--now"], stage.at);
  assert.match(stopped.stdout, /these clients start another when they need one: cli \d+$/m);
  await assert.rejects(stage.text, /The orchestrator is leaving/);
  await stage.request.clientLeft;
  await stage.instance.gone(stage.pid);
});
