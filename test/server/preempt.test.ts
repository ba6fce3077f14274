import assert from "node:assert/strict";
import { test } from "node:test";
import { bench } from "../../server/protocol/benchmark.ts";
import { generate, status } from "../../server/protocol/requests.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

test("a person is answered in the middle of a benchmark that has the only slot, and the benchmark is whole in the end", async () => {
  const gate = createGate();
  await using fake = await startFakeLlama({
    slots: 1,
    reply: ({ prompt }) =>
      String(prompt).includes("Say") ? "a word" : { text: "1 ".repeat(20), beforePiece: gate.wait },
  });
  await using orchestrator = await startOrchestrator();
  const settings = { draft: { endpoint: fake.url }, auditWhen: "never" } as const;
  const [person, program] = [await orchestrator.connect(settings), await orchestrator.connect(settings)];
  const measuring = program.send(bench, { promptTokens: [16], completionTokens: 20, repetitions: 1 });
  await fake.nextRequest();
  for (let time = 0; time < 2; time++)
    assert.equal((await person.send(generate, { prompt: "Say a word" })).text, "a word", "while the gate is closed");
  gate.open();
  const [made] = (await measuring).benchmarks;
  assert.ok(made?.decode, "it was measured");
  assert.match(made.notices.join(), /it gave way to more urgent work, and measured again/);
  const [engine] = (await person.send(status, {})).engines;
  assert.deepEqual([engine?.failures, engine?.breaker.state], [0, "closed"], "which is no fault of the engine's");
});
