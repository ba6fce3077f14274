import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bench } from "../../server/protocol/benchmark.ts";
import { GenerateParams } from "../../server/protocol/generate.ts";
import { generate, status } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { Settings } from "../../server/protocol/settings.ts";
import { silentLog } from "../fakes/log.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";
import { testWorld } from "./testWorld.ts";

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

test("a program's answer gives way to a person in its middle, and goes on where it was", async () => {
  const gate = createGate();
  const isThere = Promise.withResolvers<void>();
  await using fake = await startFakeLlama({
    slots: 1,
    reply({ prompt }) {
      const asked = String(prompt);
      if (asked.includes("Say")) return "a word";
      if (asked.includes("two ")) return "three four";
      return { pieces: ["one ", "two ", "lost"], beforePiece: (nth) => (nth < 2 ? Promise.resolve() : gate.wait()) };
    },
  });
  const folder = await mkdtemp(join(tmpdir(), "tandem-preempt-"));
  await using world = testWorld(folder, silentLog);
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  const connect = (client: Parameters<typeof world.connect>[0]) => {
    const session = world.connect(client, () => undefined);
    session.configure(Settings.parse({ draft: { endpoint: fake.url }, auditWhen: "never" }));
    return session;
  };
  // The HTTP door's session is that of programs.
  using program = connect(null);
  using person = connect({ kind: "cli", pid: process.pid, version: "0" });
  const { signal } = new AbortController();
  const events: RunEvent[] = [];
  const emit = (event: RunEvent) => {
    events.push(event);
    if (event.kind === "draft" && event.text.includes("two")) isThere.resolve();
  };
  const counting = program.handlers.generate(GenerateParams.parse({ prompt: "Count:" }), { emit, signal });
  await isThere.promise;
  const quiet = { emit: () => undefined, signal };
  const said = await person.handlers.generate(GenerateParams.parse({ prompt: "Say" }), quiet);
  assert.equal(said.text, "a word");
  assert.equal((await counting).text, "one two three four");
  const streamed = events.flatMap((it) => (it.kind === "draft" ? [it.text] : [])).join("");
  assert.equal(streamed, "one two three four", "nothing is lost, and nothing comes twice");
  gate.open();
});
