import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { startDoor } from "./door.ts";
import { BEARER, POST } from "./rows.ts";
import { head } from "./socket.ts";

const PIECES = 2_000;
/** 50 kB of text: 100 MB in all. */
const TEXT = "word ".repeat(10_000);
/** What the systems' sockets hold on both ways, and what the door has in hand. */
const MOST_UNDER_WAY_BYTES = 24e6;
const CHAT = JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: "hello" }] });

test("who reads slowly slows down the engine: 100 MB arrive whole, and little of it is ever held", async () => {
  let written = 0;
  let received = 0;
  let most = 0;
  const client = { pause: () => {}, resume: () => {} };
  await using backend = await startBackend({
    onWrite(bytes) {
      written += bytes;
      most = Math.max(most, written - received);
    },
    // Read only while nothing more can be written: whoever swallowed it all would never be read.
    onBlocked: () => client.resume(),
    onFree: () => client.pause(),
  });
  await using door = await startDoor({ draft: { endpoint: backend.url } });
  const socket = connect(door.port, "127.0.0.1");
  client.pause = () => void socket.pause();
  client.resume = () => void socket.resume();
  const ended = Promise.withResolvers<void>();
  let tail = "";
  let words = 0;
  socket.on("data", (bytes) => {
    received += bytes.length;
    const text = tail + bytes.toString("latin1");
    const cut = text.lastIndexOf(" ") + 1;
    words += text.slice(0, cut).split("word ").length - 1;
    tail = text.slice(cut);
    if (text.includes("[DONE]")) ended.resolve();
  });
  socket.once("close", () => ended.reject(new Error(`closed after ${received} of ${written} bytes`)));
  const headers = { host: "localhost", ...BEARER, "content-type": "application/json" };
  socket.write(head(POST, { ...headers, "content-length": `${CHAT.length}` }) + CHAT);
  await ended.promise;
  socket.destroy();
  assert.ok(written > 100e6, `${written} bytes`);
  assert.equal(words, PIECES * 10_000);
  assert.ok(most < MOST_UNDER_WAY_BYTES, `${most} bytes were under way`);
});

interface Watching {
  readonly onWrite: (bytes: number) => void;
  readonly onBlocked: () => void;
  readonly onFree: () => void;
}

/** A server that writes as fast as it is read. */
async function startBackend(watching: Watching): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const isChat = request.url === "/v1/chat/completions";
    if (isChat) void stream(response, watching);
    else if (request.url === "/v1/models") response.end(JSON.stringify({ object: "list", data: [{ id: "wordy" }] }));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function stream(response: ServerResponse, { onWrite, onBlocked, onFree }: Watching): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const closed = once(response, "close");
  for (let at = 0; at < PIECES && !response.destroyed; at++) {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: TEXT } }] })}\n\n`;
    onWrite(event.length);
    if (response.write(event)) continue;
    onBlocked();
    await Promise.race([once(response, "drain"), closed]);
    onFree();
  }
  response.end('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n');
  onBlocked();
}
