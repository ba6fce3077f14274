import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import type { HttpLimits } from "../../server/transport/http/limits.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { startDoor } from "./door.ts";
import { BEARER, POST } from "./rows.ts";
import { head } from "./socket.ts";

async function stage(options: FakeOptions, limits: Partial<HttpLimits>) {
  const fake = await startFakeLlama(options);
  const door = await startDoor({ draft: { endpoint: fake.url } }, { limits });
  return {
    fake,
    door,
    ask: (path = "/v1/chat/completions", body = CHAT) =>
      fetch(door.url + path, { method: "POST", headers: { ...BEARER, "content-type": "application/json" }, body }),
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

const CHAT = JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "hello" }] });
const PING = ": ping\n\n";

test("who waits in line hears of it, and then who answers", async () => {
  const gate = createGate();
  await using it = await stage({ slots: 1, reply: () => ({ text: "done", beforePiece: gate.wait }) }, { pingMs: 20 });
  const first = await it.ask();
  await it.fake.nextRequest();
  const second = await it.ask();
  assert.equal(second.headers.get("x-tandem-model"), null);
  const reader = second.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let text = (await reader.read()).value ?? "";
  assert.ok(text.startsWith(PING), text);
  gate.open();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assert.match(text, /^: x-tandem-model: fake-coder$/m);
  assert.match(text, /data: \[DONE\]\n\n$/);
  await first.text();
});

test("who waits for a model to load hears of it", async () => {
  await using it = await stage({ reply: () => "done", loadingAnswers: 3 }, { pingMs: 20 });
  const text = await (await it.ask()).text();
  assert.ok(text.startsWith(PING), text);
  assert.match(text, /data: \[DONE\]\n\n$/);
});

test("who is answered at once is told in the headers, and hears no ping", async () => {
  await using it = await stage({ reply: () => "done" }, {});
  const answer = await it.ask();
  assert.equal(answer.headers.get("x-tandem-model"), "fake-coder");
  assert.doesNotMatch(await answer.text(), /^:/m);
});

test("a silence in the middle of an answer is filled", async () => {
  const gate = createGate();
  await using it = await stage({ reply: () => ({ pieces: ["one", "two"], beforePiece: gate.wait }) }, { pingMs: 20 });
  const answer = it.ask();
  gate.open(1);
  const reader = (await answer).body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let text = "";
  while (!/one[\s\S]*: ping/.test(text)) text += (await reader.read()).value ?? "";
  gate.open();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assert.match(text, /data: \[DONE\]\n\n$/);
});

const LONG = Array.from({ length: 1_000 }, () => "word ".repeat(10_000));

test("who does not read is let go before it fills the memory", async () => {
  await using it = await stage({ reply: () => ({ pieces: LONG }) }, { unreadBytes: 100_000 });
  const socket = connect(it.door.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  const headers = {
    host: "localhost",
    ...BEARER,
    "content-type": "application/json",
    "content-length": `${CHAT.length}`,
  };
  socket.write(head(POST, headers) + CHAT);
  const asked = await it.fake.nextRequest();
  await asked.clientLeft;
  socket.destroy();
});

test("who stops reading for too long is let go, however little is left", async () => {
  const most = { unreadBytes: Number.POSITIVE_INFINITY, unreadMs: 50 };
  const gate = createGate();
  await using it = await stage({ reply: () => ({ pieces: LONG, beforePiece: gate.wait }) }, most);
  const socket = connect(it.door.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  const headers = {
    host: "localhost",
    ...BEARER,
    "content-type": "application/json",
    "content-length": `${CHAT.length}`,
  };
  socket.write(head(POST, headers) + CHAT);
  const asked = await it.fake.nextRequest();
  // Enough to fill what the two systems buffer, then nothing more.
  gate.open(300);
  await asked.clientLeft;
  socket.destroy();
});

test("the bare call's stream: the text in parts, then what it took", async () => {
  await using it = await stage({ reply: () => ({ pieces: ["one ", "two"] }) }, {});
  const text = await (await it.ask("/generate_stream", JSON.stringify({ prompt: "count" }))).text();
  const events = text
    .trim()
    .split("\n\n")
    .map((event) => JSON.parse(event.replace(/^data: /, "")));
  assert.deepEqual(events.slice(0, -1), [{ text: "one " }, { text: "two" }]);
  const { generated_text, token_count } = events.at(-1);
  assert.deepEqual([generated_text, token_count], ["one two", 2]);
});

test("an answer may take longer than a request may", async () => {
  const gate = createGate();
  const limits = { headersMs: 50, requestMs: 50, idleMs: 50, unreadMs: 50, pingMs: 20 };
  await using it = await stage({ reply: () => ({ pieces: ["one"], beforePiece: gate.wait }) }, limits);
  const whole = it.ask("/generate", JSON.stringify({ prompt: "hello" }));
  const reader = (await it.ask()).body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.ok(reader);
  let pings = 0;
  // Many times each of the limits.
  while (pings < 60) pings += ((await reader.read()).value ?? "").split(PING).length - 1;
  gate.open();
  assert.equal((await whole).status, 200);
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  assert.match(text, /\[DONE\]/);
});

test("a whole answer that nobody takes is not kept for ever", { timeout: 30_000 }, async () => {
  await using it = await stage({ reply: () => ({ pieces: LONG }) }, { unreadMs: 50, drainMs: 600_000 });
  const body = JSON.stringify({ ...JSON.parse(CHAT), stream: false });
  const socket = connect(it.door.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.pause();
  const headers = {
    host: "localhost",
    ...BEARER,
    "content-type": "application/json",
    "content-length": `${body.length}`,
  };
  socket.write(head(POST, headers) + body);
  await it.fake.nextRequest();
  // The door waits for answers that are not out, far longer than this test may take.
  await it.door.door[Symbol.asyncDispose]();
  socket.destroy();
});

test("more connections than there may be are closed, and room that was made is given", async () => {
  await using it = await stage({ reply: () => "" }, { connections: 1 });
  const first = connect(it.door.port, "127.0.0.1");
  first.write("GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await once(first, "data");
  const second = connect(it.door.port, "127.0.0.1");
  second.on("error", () => undefined);
  await once(second, "close");
  first.destroy();
  await once(first, "close");
  assert.equal((await fetch(`${it.door.url}/health`)).status, 200);
});
