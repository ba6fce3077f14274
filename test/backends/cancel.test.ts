import assert from "node:assert/strict";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { ErrorCode } from "../../server/protocol/errors.ts";
import { recordingLog } from "../fakes/log.ts";
import { createGate, type Script } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { ask, textRequest } from "./ask.ts";

const never = new AbortController().signal;

const stops: readonly { name: string; stop: () => { signal: AbortSignal; fire: () => void }; code: ErrorCode }[] = [
  {
    name: "cancelled",
    stop: () => {
      const controller = new AbortController();
      return { signal: controller.signal, fire: () => controller.abort() };
    },
    code: "cancelled",
  },
  {
    name: "out of time",
    stop: () => {
      const controller = new AbortController();
      return { signal: controller.signal, fire: () => controller.abort(new DOMException("late", "TimeoutError")) };
    },
    code: "timeout",
  },
];
for (const { name, stop, code } of stops)
  for (const after of ["before the headers", "before the text", "in the text"] as const)
    test(`${name} ${after}: the server sees the connection close`, async () => {
      const gate = createGate();
      const script: Script =
        after === "before the headers" ? { fault: { kind: "hang" } } : { text: "a b", beforePiece: gate.wait };
      await using fake = await startFakeLlama({ reply: () => script });
      const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
      await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
      const { signal, fire } = stop();
      const pieces = engine.generate(textRequest("x"), signal)[Symbol.asyncIterator]();
      const first = pieces.next();
      const request = await fake.nextRequest();
      if (after === "in the text") {
        gate.open(1);
        assert.deepEqual(await first, { done: false, value: { kind: "text", text: "a" } });
        const second = pieces.next();
        fire();
        await assert.rejects(second, (error) => error instanceof TandemError && error.code === code);
      } else {
        fire();
        await assert.rejects(first, (error) => error instanceof TandemError && error.code === code);
      }
      await request.clientLeft;
      assert.equal(fake.requests.length, 1);
    });

test("a reader that leaves early closes the connection", async () => {
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: "a b", beforePiece: gate.wait }) });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
  gate.open(1);
  for await (const _ of engine.generate(textRequest("x"), never)) break;
  await (await fake.nextRequest()).clientLeft;
});

const busy: Script = {
  fault: { kind: "status", status: 429, body: { error: { message: "busy" } }, headers: { "retry-after": "10" } },
};
test("a cancelled wait for the next try ends at once", async () => {
  await using fake = await startFakeLlama({ reply: () => busy });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
  const controller = new AbortController();
  const answer = ask(engine, textRequest("x"), controller.signal);
  await fake.nextRequest();
  setImmediate(() => controller.abort());
  await assert.rejects(answer, (error) => error instanceof TandemError && error.code === "cancelled");
});

test("a signal that has fired sends nothing", async () => {
  await using fake = await startFakeLlama({ reply: () => "a" });
  const spec = { kind: "endpoint", url: fake.url, modelName: null, apiKey: "" } as const;
  await using engine = await openEndpoint(spec, { log: recordingLog() }, never);
  await assert.rejects(ask(engine, textRequest("x"), AbortSignal.abort()), TandemError);
  assert.equal(fake.requests.length, 0);
});
