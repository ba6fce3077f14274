import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { openEndpoint } from "../../server/backends/openai.ts";
import { TandemError } from "../../server/errors.ts";
import type { Engine } from "../../server/ports.ts";
import { silentLog } from "../fakes/log.ts";
import type { Script } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import type { EmbedScript } from "../fakes/openaiVectors.ts";
import { createVirtualTime } from "../fakes/virtualTime.ts";
import { ask, chatRequest } from "./ask.ts";

const never = new AbortController().signal;
const BODY = { model: "auto", messages: [{ role: "user", content: "hi" }] };

async function open(url: string, deps: Partial<Parameters<typeof openEndpoint>[1]> = {}): Promise<Engine> {
  return openEndpoint({ kind: "endpoint", url, modelName: null, apiKey: "" }, { log: silentLog, ...deps }, never);
}

const refuse = (status: number, headers: Record<string, string> = {}): Script => ({
  fault: { kind: "status", status, body: { error: { message: "not now" } }, headers },
});

/** All that can be asked of an endpoint. */
const ways: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  generate: (engine) => ask(engine, chatRequest("hi")),
  "relay, whole": async (engine) => engine.relay?.({ path: "/chat/completions", body: BODY }, never),
  "relay, stream": async (engine) => {
    const reply = await engine.relay?.({ path: "/chat/completions", body: { ...BODY, stream: true } }, never);
    if (reply?.kind === "stream") for await (const _ of reply.chunks);
  },
};
for (const [way, act] of Object.entries(ways)) {
  for (const status of [429, 502, 503])
    test(`${way}: ${status} twice, then well; the server's own wait is kept`, async () => {
      const timing = createVirtualTime();
      let asked = 0;
      const reply = () => (++asked < 3 ? refuse(status, { "retry-after": "3" }) : "fine");
      await using fake = await startFakeLlama({ reply });
      await using engine = await open(fake.url, { timing });
      await timing.run(act(engine));
      assert.equal(fake.requests.length, 3);
      assert.ok(timing.nowMs() >= 6_000 && timing.nowMs() < 9_000, `${timing.nowMs()} ms`);
    });

  test(`${way}: an answer that would begin too late is not waited for`, async () => {
    const timing = createVirtualTime();
    await using fake = await startFakeLlama({ reply: () => refuse(503, { "retry-after": "10" }) });
    await using engine = await open(fake.url, { timing });
    const late: Engine = {
      ...engine,
      generate: (request, signal) => engine.generate({ ...request, deadlineMs: 8_000 }, signal),
      relay:
        engine.relay &&
        ((request, signal) => engine.relay?.({ ...request, deadlineMs: 8_000 }, signal) ?? assert.fail()),
    };
    await assert.rejects(
      timing.run(act(late)),
      (error) => error instanceof TandemError && error.details?.retryAfterMs === 10_000,
    );
    assert.deepEqual([fake.requests.length, timing.nowMs()], [1, 0]);
  });

  test(`${way}: what hangs ends with the caller's deadline, and says so`, async () => {
    const timing = createVirtualTime();
    await using fake = await startFakeLlama({ reply: () => ({ fault: { kind: "hang" } }) });
    await using engine = await open(fake.url, { timing });
    const late: Engine = {
      ...engine,
      generate: (request, signal) => engine.generate({ ...request, deadlineMs: 30_000 }, signal),
      relay:
        engine.relay &&
        ((request, signal) => engine.relay?.({ ...request, deadlineMs: 30_000 }, signal) ?? assert.fail()),
    };
    await assert.rejects(timing.run(act(late)), isLate("total", /in 30 s/));
    assert.equal(timing.nowMs(), 30_000);
  });
}

test("all tries together have the time of one answer", async () => {
  const timing = createVirtualTime();
  const pace = { prefillPerSecond: 1, decodePerSecond: 1, wait: timing.wait };
  await using fake = await startFakeLlama({
    flavour: "plain",
    pace,
    reply: () => ({ text: "a", fault: { kind: "disconnect", after: 0 } }),
  });
  await using engine = await open(fake.url, { timing });
  // It reads for 110 s, and then the connection breaks.
  await assert.rejects(
    timing.run(ask(engine, chatRequest("word ".repeat(110).trim()))),
    isLate("total", /No whole answer/),
  );
  assert.deepEqual([fake.requests.length, timing.nowMs()], [3, 300_000]);
});

test("vectors are asked for again as text is", async () => {
  const timing = createVirtualTime();
  let asked = 0;
  const embed: EmbedScript = (texts) => (++asked < 3 ? { status: 503, body: {} } : texts.map(() => [1, 0]));
  await using fake = await startFakeLlama({ reply: () => "", embed });
  await using engine = await open(fake.url, { timing });
  const { vectors } = await timing.run(engine.embed?.(["a", "b"], never) ?? assert.fail());
  assert.deepEqual([vectors.length, asked], [2, 3]);
});

test("a prompt that is read part by part may take longer than a silent one", async () => {
  const timing = createVirtualTime();
  const pace = { prefillPerSecond: 2, decodePerSecond: 50, wait: timing.wait };
  await using fake = await startFakeLlama({ pace, contextTokens: 4_096, reply: () => "a b" });
  await using engine = await open(fake.url, { timing });
  // 500 tokens, 64 s for each batch of them: more than 120 s, and never silent for as long.
  const heard = await timing.run(ask(engine, chatRequest("word ".repeat(500))));
  assert.equal(heard.text, "a b");
  assert.ok(timing.nowMs() > 240_000);
});

test("a host that takes no connection is told from one that is silent", async () => {
  // It lets in, and never shakes hands.
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  await assert.rejects(
    open(`https://127.0.0.1:${port}`, { limits: { connectMs: 50 } }),
    isLate("connect", /^No connection to 127\.0\.0\.1:\d+ in 0\.05 s$/),
  );
  server.close();
});

for (const isAsked of [false, true])
  test(`a relayed prompt may be read for as long, and its client hears of that ${isAsked ? "as it asked" : "nothing"}`, async () => {
    const timing = createVirtualTime();
    const pace = { prefillPerSecond: 2, decodePerSecond: 50, wait: timing.wait };
    await using fake = await startFakeLlama({ pace, reply: () => "a b" });
    await using engine = await open(fake.url, { timing });
    const messages = [{ role: "user", content: "word ".repeat(500) }];
    const body = { ...BODY, messages, stream: true, ...(isAsked ? { return_progress: true } : {}) };
    const hear = async () => {
      const reply = await engine.relay?.({ path: "/chat/completions", body }, never);
      const chunks = [];
      if (reply?.kind === "stream") for await (const together of reply.chunks) chunks.push(...together);
      return chunks;
    };
    const chunks = await timing.run(hear());
    assert.equal(chunks.map((it) => it.text).join(""), "a b");
    assert.equal(chunks.filter((it) => it.json.includes("prompt_progress")).length, isAsked ? 4 : 0);
    assert.ok(timing.nowMs() > 240_000);
  });

test("what a llama-server repeats of the client's own turn is no token: the prompt may be read for long", async () => {
  const timing = createVirtualTime();
  const pace = { prefillPerSecond: 1.5, decodePerSecond: 50, wait: timing.wait };
  await using fake = await startFakeLlama({ pace, reply: () => "a b" });
  await using engine = await open(fake.url, { timing });
  const messages = [
    { role: "user", content: "word ".repeat(200) },
    { role: "assistant", content: "begun" },
  ];
  const hear = async () => {
    const reply = await engine.relay?.({ path: "/chat/completions", body: { ...BODY, messages, stream: true } }, never);
    const chunks = [];
    if (reply?.kind === "stream") for await (const together of reply.chunks) chunks.push(...together);
    return chunks.map((it) => it.text).join("");
  };
  assert.equal(await timing.run(hear()), "a b");
});

test("a client that leaves closes the socket to the engine, and not the request alone", async () => {
  const sockets: Socket[] = [];
  const closed = Promise.withResolvers<void>();
  const list = JSON.stringify({ data: [{ id: "m" }] });
  const server = createServer((socket) => {
    sockets.push(socket);
    let text = "";
    socket.on("error", () => {});
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("\r\n\r\n")) return;
      if (text.startsWith("GET /v1/models"))
        socket.write(
          `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${list.length}\r\n\r\n${list}`,
        );
      else if (text.startsWith("GET")) socket.write("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
      else {
        socket.on("close", () => closed.resolve());
        socket.write(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        );
      }
      text = "";
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await using engine = await open(`http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
  for await (const _ of engine.generate(chatRequest("hi"), never)) break;
  await closed.promise;
  assert.ok(sockets.some((it) => it.destroyed));
  server.close();
});

function isLate(limit: string, words: RegExp) {
  return (error: unknown) =>
    error instanceof TandemError &&
    error.code === "timeout" &&
    error.details?.limit === limit &&
    words.test(error.message) &&
    /timeoutSeconds|TimeoutSeconds/.test(error.nextStep);
}
