import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import type { AnswerShape, Engine, GenerateRequest } from "../../server/ports.ts";
import { ask, chatRequest, textRequest } from "../backends/ask.ts";
import { openTiny } from "./open.ts";
import { ADD, isCode, LONG_PROMPT } from "./prompts.ts";

const never = new AbortController().signal;
const shaped = (gbnf: string): AnswerShape => ({ name: "shape", gbnf, jsonSchema: {} });
const endless = shaped('root ::= ("a" | "b" | " ") root');

let engine: Engine;
before(async () => {
  engine = await openTiny();
});
after(() => engine?.[Symbol.asyncDispose]());

test("it says what it is", () => {
  assert.equal(engine.device, "cpu");
  assert.equal(engine.slots, 1);
  assert.ok(engine.pid !== null && engine.pid !== process.pid);
});

test("it continues code, and stops before the stop text", async () => {
  isCode(await ask(engine, textRequest(ADD, { maxTokens: 24, stop: ["\n}"] })));
});

test("the same prompt again is read from the cache and gives the same text", async () => {
  const first = await ask(engine, textRequest(ADD, { maxTokens: 12 }));
  const again = await ask(engine, textRequest(ADD, { maxTokens: 12 }));
  assert.equal(again.text, first.text);
  assert.equal(again.done.cachedTokens, again.done.promptTokens - 1);
});

for (const request of [chatRequest("Say hello.", { maxTokens: 16 }), textRequest(ADD, { maxTokens: 16 })])
  test(`a ${request.prompt.kind} answer goes on as if it had never been cut`, async () => {
    const whole = await ask(engine, request);
    const before = whole.pieces.slice(0, 4).join("");
    const rest = await ask(engine, { ...request, continues: before, maxTokens: 12 });
    assert.equal(before + rest.text, whole.text);
  });

test("a seed repeats what chance chose", async () => {
  const request = textRequest(ADD, { maxTokens: 12, temperature: 1.5, seed: 7 });
  const [first, again] = [await ask(engine, request), await ask(engine, request)];
  assert.equal(again.text, first.text);
  const others = [];
  for (const seed of [8, 9, 10]) others.push((await ask(engine, { ...request, seed })).text);
  assert.ok(others.some((text) => text !== first.text));
});

test("a repetition penalty changes what repeats itself", async () => {
  const request = textRequest("a a a a a a a a", { maxTokens: 12 });
  const plain = await ask(engine, request);
  const penalised = await ask(engine, { ...request, repeatPenalty: 1.8 });
  assert.notEqual(penalised.text, plain.text);
});

const shapes: readonly { name: string; gbnf: string; want: RegExp }[] = [
  { name: "a verdict", gbnf: 'root ::= "ok" | "bad"', want: /^(ok|bad)$/ },
  { name: "characters of many tokens come whole", gbnf: 'root ::= "é漢🦙👩‍👩‍👧字"', want: /^é漢🦙👩‍👩‍👧字$/u },
  { name: "JSON", gbnf: 'root ::= "{\\"line\\":" [0-9] "}"', want: /^\{"line":\d\}$/ },
];
for (const { name, gbnf, want } of shapes)
  for (const request of [textRequest("Answer: "), chatRequest("Answer!")])
    test(`a grammar confines a ${request.prompt.kind}: ${name}`, async () => {
      const heard = await ask(engine, { ...request, shape: shaped(gbnf) });
      assert.match(heard.text, want);
      assert.equal(heard.done.finish, "stop");
      for (const piece of heard.pieces) assert.ok(piece.isWellFormed() && !piece.includes("\uFFFD"), piece);
    });

test("a stop text that lies across tokens is cut out whole", async () => {
  const heard = await ask(engine, { ...textRequest("x"), stop: ["ab🦙c"], shape: shaped('root ::= "xyab🦙cd"') });
  assert.equal(heard.text, "xy");
  assert.equal(heard.done.finish, "stop");
});

test("it ends at maxTokens", async () => {
  const heard = await ask(engine, textRequest("x", { maxTokens: 5, shape: endless }));
  assert.equal(heard.done.finish, "length");
  assert.equal(heard.done.completionTokens, 5);
});

test("a prompt that grows is read only where it is new", async () => {
  const first = await ask(engine, textRequest(LONG_PROMPT, { maxTokens: 1 }));
  const second = await ask(engine, textRequest(`${LONG_PROMPT}\nlet more = 1;`, { maxTokens: 1 }));
  assert.ok(second.done.cachedTokens >= first.done.promptTokens - 2);
  assert.ok(second.done.prefillMs < first.done.prefillMs);
});

test("a prompt that does not fit is refused with the numbers, and the next one is answered", async () => {
  await assert.rejects(ask(engine, textRequest(LONG_PROMPT.repeat(8))), (error) => {
    assert.ok(error instanceof TandemError);
    assert.equal(error.code, "context-length");
    assert.equal(error.details?.contextTokens, 1_024);
    assert.ok(Number(error.details?.promptTokens) > 1_024);
    return true;
  });
  assert.equal((await ask(engine, textRequest(ADD, { maxTokens: 2 }))).done.completionTokens, 2);
});

test("a grammar that is none is refused, and the next request is answered", async () => {
  await assert.rejects(
    ask(engine, { ...textRequest("x"), shape: shaped("root ::= nothing") }),
    (error) => error instanceof TandemError && error.code === "provider",
  );
  assert.equal((await ask(engine, textRequest(ADD, { maxTokens: 2 }))).done.completionTokens, 2);
});

test("a signal that has fired asks nothing", async () => {
  await assert.rejects(
    ask(engine, textRequest("x"), AbortSignal.abort()),
    (error) => error instanceof TandemError && error.code === "cancelled",
  );
});

test("out of time while it reads a prompt: it stops there and is free at once", async () => {
  const request = textRequest(`unlike before: ${LONG_PROMPT}`, { maxTokens: 1 });
  await assert.rejects(
    ask(engine, request, AbortSignal.timeout(300)),
    (error) => error instanceof TandemError && error.code === "timeout",
  );
  const again = await ask(engine, request);
  assert.ok(again.done.cachedTokens > 0, "what it had read is kept");
  assert.ok(again.done.cachedTokens < again.done.promptTokens - 1, "it had not read everything");
});

const leavings: readonly { name: string; leave: (request: GenerateRequest) => Promise<void> }[] = [
  {
    name: "cancelled while it writes",
    async leave(request) {
      const controller = new AbortController();
      const stream = engine.generate(request, controller.signal)[Symbol.asyncIterator]();
      for (let count = 0; count < 3; count++) assert.equal((await stream.next()).value?.kind, "text");
      controller.abort();
      await assert.rejects(
        async () => {
          while (!(await stream.next()).done);
        },
        (error) => error instanceof TandemError && error.code === "cancelled",
      );
    },
  },
  {
    name: "left by its reader while it writes",
    async leave(request) {
      for await (const piece of engine.generate(request, never)) if (piece.kind === "text") break;
    },
  },
];
for (const { name, leave } of leavings)
  test(`${name}: it is free for the next`, async () => {
    await leave(textRequest("x", { maxTokens: 900, shape: endless }));
    assert.equal((await ask(engine, textRequest(ADD, { maxTokens: 2 }))).done.completionTokens, 2);
  });
