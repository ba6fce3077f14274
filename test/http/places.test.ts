import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { KEY, startDoor } from "./door.ts";
import { BEARER, DEADLINE_MS, POST } from "./rows.ts";
import { exchange, firstAnswer, head } from "./socket.ts";

const chat = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "hi" }] });

function request(port: number, more: Readonly<Record<string, string>> = {}): string {
  const type = { "content-type": "application/json", "content-length": String(chat.length) };
  return head(POST, { host: `127.0.0.1:${port}`, ...type, ...BEARER, ...more }) + chat;
}

async function status(port: number): Promise<number | undefined> {
  return firstAnswer(await exchange(port, request(port), DEADLINE_MS))?.status;
}

test("requests sent one behind the other on one connection give their places back when it breaks", async () => {
  let isHanging = true;
  await using fake = await startFakeLlama({ reply: () => (isHanging ? { fault: { kind: "hang" } } : "hello") });
  await using door = await startDoor({ draft: { endpoint: fake.url } }, { limits: { running: 2 } });
  const socket = connect(door.port, "127.0.0.1");
  socket.write(request(door.port, { connection: "keep-alive" }).repeat(2));
  const [first, second] = [await fake.nextRequest(), await fake.nextRequest()];
  assert.equal(await status(door.port), 429);
  socket.destroy();
  await Promise.all([first.clientLeft, second.clientLeft]);
  isHanging = false;
  assert.equal(await status(door.port), 200);
});

test("a client that leaves while its key is looked up takes no place", async () => {
  const asked: PromiseWithResolvers<string>[] = [];
  let onAsked = Promise.withResolvers<void>();
  const key = () => {
    const answer = Promise.withResolvers<string>();
    asked.push(answer);
    onAsked.resolve();
    return answer.promise;
  };
  await using fake = await startFakeLlama({ reply: () => "hello" });
  await using door = await startDoor({ draft: { endpoint: fake.url } }, { limits: { running: 1 }, key });
  const socket = connect(door.port, "127.0.0.1");
  socket.write(request(door.port));
  await onAsked.promise;
  socket.destroy();
  await once(socket, "close");
  onAsked = Promise.withResolvers();
  const next = status(door.port);
  // By the time the next client's request is there, the door has heard of the first one's end.
  await onAsked.promise;
  for (const it of asked) it.resolve(KEY);
  assert.equal(await next, 200);
});
