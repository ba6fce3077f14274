import assert from "node:assert/strict";
import { test } from "node:test";
import { isAlive } from "../../server/platform/processes.ts";
import { generate, run, status, stop } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { connect } from "./connect.ts";
import { createInstance } from "./instance.ts";

const never = new AbortController().signal;
const quiet = () => undefined;
const document = {
  uri: "file:///half.ts",
  languageId: "typescript",
  text: "export function half(value: number): number {\n  return value / 2;\n}\n",
};
const ask = { instruction: "document half", document };
const settingsFor = (endpoint: string) => ({ draft: { endpoint }, auditWhen: "never" }) as const;
const DOC = "```ts\n/** Half of the value. */\n```";

test("clients share one process, and one that is gone or dropped leaves the others alone", async () => {
  await using instance = await createInstance();
  await using fake = await startFakeLlama({ reply: () => DOC });
  await using first = await connect(instance, settingsFor(fake.url));
  const pid = await instance.pid();
  {
    await using second = await connect(instance, settingsFor(fake.url));
    const seen = await second.send(status, {}, quiet, never);
    assert.deepEqual([seen.pid, seen.clients.length], [pid, 2]);
  }
  assert.equal((await first.send(run, ask, quiet, never)).kind, "edit");
  assert.equal((await first.send(status, {}, quiet, never)).clients.length, 1);
});

test("the orchestrator is killed in the middle of a task: the task goes to the next one, and its client hears so", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  await using client = await connect(instance, settingsFor(fake.url));
  const events: string[] = [];
  const told: string[] = [];
  const show = (event: RunEvent) => {
    events.push(event.kind);
    if (JSON.stringify(event).includes("sent again")) told.push(event.kind);
  };
  const answer = client.send(run, ask, show, never);
  const request = await fake.nextRequest();
  const old = (await instance.pid()) ?? 0;
  process.kill(old, "SIGKILL");
  await request.clientLeft;
  gate.open();
  assert.equal((await answer).kind, "edit");
  assert.notEqual(await instance.pid(), old);
  const again = events.indexOf("retry");
  assert.ok(again > 0 && events.indexOf("classified", again) > again, events.join());
  assert.deepEqual(told, ["retry"], "said once");
});

test("text that was shown is not taken back: the request is given up, and the next one is served", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  gate.open(1);
  await using fake = await startFakeLlama({ reply: () => ({ pieces: ["Half ", "done"], beforePiece: gate.wait }) });
  await using client = await connect(instance, settingsFor(fake.url));
  const isShown = Promise.withResolvers<void>();
  const answer = client.send(
    generate,
    { prompt: "say it" },
    (event) => event.kind === "draft" && isShown.resolve(),
    never,
  );
  answer.catch(quiet);
  await isShown.promise;
  process.kill((await instance.pid()) ?? 0, "SIGKILL");
  await assert.rejects(answer, /5 characters of its answer are lost/);
  gate.open();
  assert.equal((await client.send(generate, { prompt: "say it" }, quiet, never)).text, "Half done");
});

test("a newer client: the old orchestrator finishes what runs, a new one serves, and the old clients go over to it", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 4, reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  await using old = await connect(instance, settingsFor(fake.url));
  const before = (await instance.pid()) ?? 0;
  const answer = old.send(run, ask, quiet, never);
  await fake.nextRequest();
  // The next one here is no newer than the first: who asks is gone before it would make room as well.
  const asked = new AbortController();
  const newer = connect(instance, settingsFor(fake.url), { version: "99.0.0", signal: asked.signal });
  while ((await instance.pid()) === before) await new Promise(setImmediate);
  asked.abort();
  await assert.rejects(newer);
  assert.equal(isAlive(before), true, "it still has work to do");
  gate.open();
  assert.equal((await answer).kind, "edit");
  await instance.gone(before);
});

test("stop: drained when the running requests are done; another start serves the next", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  await using working = await connect(instance, settingsFor(fake.url));
  await using asking = await connect(instance, settingsFor(fake.url));
  const answer = working.send(run, ask, quiet, never);
  await fake.nextRequest();
  const old = (await instance.pid()) ?? 0;
  await asking.send(stop, { when: "drained" }, quiet, never);
  const next = asking.send(status, {}, quiet, never);
  gate.open();
  assert.equal((await answer).kind, "edit");
  assert.notEqual((await next).pid, old);
  await instance.gone(old);
});

test("stop now breaks off what runs; the task goes to the next orchestrator", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  await using working = await connect(instance, settingsFor(fake.url));
  await using asking = await connect(instance, settingsFor(fake.url));
  let why = "";
  const listen = (event: RunEvent) => {
    if (event.kind === "retry") why = event.why;
  };
  const answer = working.send(run, ask, listen, never);
  const request = await fake.nextRequest();
  await asking.send(stop, { when: "now" }, quiet, never);
  await request.clientLeft;
  gate.open();
  assert.equal((await answer).kind, "edit");
  assert.match(why, /\(it was asked to stop\)/);
});
