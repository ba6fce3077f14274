import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { AnswerShape, Engine, GenerateRequest } from "../../server/ports.ts";
import { ask, chatRequest, textRequest } from "../backends/ask.ts";
import { silentLog } from "../fakes/log.ts";
import { type LlamaServer, startLlamaServer } from "../setup/llamaServer.ts";
import { ADD, isCode, LONG_PROMPT } from "./prompts.ts";

const never = new AbortController().signal;
const verdict: AnswerShape = {
  name: "verdict",
  gbnf: 'root ::= "ok" | "bad"',
  jsonSchema: { type: "string", enum: ["ok", "bad"] },
};

let server: LlamaServer;
let engine: Engine;
before(async () => {
  server = await startLlamaServer(never);
  engine = await openEndpoint(
    { kind: "endpoint", url: server.url, modelName: null, apiKey: "" },
    { log: silentLog },
    never,
  );
});
after(async () => {
  await engine?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

test("it is recognised, with its slots and its context", () => {
  assert.equal(engine.model.id, "tinyllama-1.1b-chat-iq2xxs");
  assert.equal(engine.model.contextTokens, server.contextTokens);
  assert.equal(engine.model.parametersB, 1.1);
  assert.equal(engine.slots, 2);
});

test("it continues code", async () => {
  const heard = await ask(engine, textRequest(ADD, { maxTokens: 24, stop: ["\n}"] }));
  isCode(heard);
});

test("it answers a chat", async () => {
  const heard = await ask(engine, chatRequest("Say hello.", { maxTokens: 12 }));
  assert.equal(heard.pieces.join(""), heard.text);
  assert.notEqual(heard.text, "");
  assert.ok(heard.done.completionTokens <= 12 && heard.done.promptTokens > 5);
});

for (const request of [textRequest("1 + 1 = 2 is ", { shape: verdict }), chatRequest("Is 1+1=2?", { shape: verdict })])
  test(`a grammar confines a ${request.prompt.kind} answer`, async () => {
    assert.match((await ask(engine, request)).text, /^(ok|bad)$/);
  });

test("a prompt that grows is read only where it is new", async () => {
  const first = await ask(engine, textRequest(LONG_PROMPT, { maxTokens: 1 }));
  const second = await ask(engine, textRequest(`${LONG_PROMPT}\nexport function next() {\n`, { maxTokens: 1 }));
  assert.ok(second.done.cachedTokens >= first.done.promptTokens - 2, `${second.done.cachedTokens} were cached`);
  assert.ok(second.done.cachedTokens < second.done.promptTokens);
});

test("a prompt that does not fit is refused with the numbers", async () => {
  await assert.rejects(ask(engine, textRequest(LONG_PROMPT.repeat(8))), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "context-length");
    assert.equal(error.details?.contextTokens, server.contextTokens);
    assert.ok(Number(error.details?.promptTokens) > server.contextTokens);
    return true;
  });
});

const cancels: readonly { name: string; request: GenerateRequest; pieces: number }[] = [
  {
    name: "while it reads the prompt",
    request: textRequest(`unlike before: ${LONG_PROMPT}`, { maxTokens: 400 }),
    pieces: 0,
  },
  { name: "while it writes", request: textRequest("a b c", { maxTokens: 400, shape: endless() }), pieces: 3 },
];
for (const { name, request, pieces } of cancels)
  test(`cancelled ${name}, its slot is free again`, async () => {
    const controller = new AbortController();
    const stream = engine.generate(request, controller.signal)[Symbol.asyncIterator]();
    for (let count = 0; count < pieces; count++) assert.equal((await stream.next()).value?.kind, "text");
    const next = stream.next();
    if (pieces === 0) await slotsBecome(server.url, "busy");
    controller.abort();
    await assert.rejects(next, (error) => error instanceof TandemError && error.code === "cancelled");
    await slotsBecome(server.url, "free");
  });

test("killed while it writes: the stream says so", async () => {
  const stream = engine
    .generate(textRequest("a b c", { maxTokens: 400, shape: endless() }), never)
    [Symbol.asyncIterator]();
  assert.equal((await stream.next()).value?.kind, "text");
  await server.kill();
  await assert.rejects(
    async () => {
      while (!(await stream.next()).done);
    },
    (error) => error instanceof TandemError && error.code === "provider",
  );
  await assert.rejects(ask(engine, textRequest("x")), /Nothing listens at/);
});

/** Text that never ends by itself. */
function endless(): AnswerShape {
  return { name: "endless", gbnf: 'root ::= ("a" | "b" | " ") root', jsonSchema: {} };
}

const Slots = z.array(z.object({ is_processing: z.boolean() }));

/** llama-server tells what its slots do; it offers nothing to wait for, so it is asked again and again. */
async function slotsBecome(url: string, wanted: "busy" | "free"): Promise<void> {
  const limit = AbortSignal.timeout(20_000);
  for (;;) {
    const slots = Slots.parse(await (await fetch(`${url}/slots`, { signal: limit })).json());
    if (slots.some((slot) => slot.is_processing) === (wanted === "busy")) return;
  }
}
