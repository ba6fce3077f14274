import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import type { ClientInfo, Hello, Verdict } from "../../server/protocol/handshake.ts";
import { greet, receive } from "../../server/rendezvous/handshake.ts";
import { answer, challenge, closing, drip, hello, line, listen, pair, rest, SECRET } from "./wire.ts";

const OTHER = "f".repeat(64);
const NONCE = { client: "1".repeat(64), server: "2".repeat(64) };
const LSP = "Content-Length: 2\r\n\r\n{}";
const WELCOME: Verdict = { tandem: "welcome" };
const never = new AbortController().signal;
const client: ClientInfo = { kind: "vscode", pid: 4_711, version: "1.0.0" };
const greeter = { endpoint: { secret: SECRET }, client, limitMs: 30_000 };

function receiver(verdict: Verdict = WELCOME) {
  const asked: Hello[] = [];
  const decide = (it: Hello) => {
    asked.push(it);
    return verdict;
  };
  return { asked, options: { secret: SECRET, version: "1.1.0", pid: 99, decide, limitMs: 30_000 } };
}

test("both know the secret: each learns who the other is, and what is sent next arrives whole", async (t) => {
  const ends = await pair(t);
  const [greeting, received] = await Promise.all([
    greet(ends.client, greeter, never),
    receive(ends.server, receiver().options, never),
  ]);
  assert.deepEqual(greeting, { kind: "welcome", version: "1.1.0", pid: 99 });
  assert.deepEqual(received, { client });
  ends.client.end(LSP);
  ends.server.end(LSP);
  assert.deepEqual(await Promise.all([rest(ends.client), rest(ends.server)]), [LSP, LSP]);
});

test("a refusal reaches the client, with what the orchestrator is", async (t) => {
  const ends = await pair(t);
  const full: Verdict = { tandem: "refused", code: "full", message: "64 clients" };
  const [greeting, received] = await Promise.all([
    greet(ends.client, greeter, never),
    receive(ends.server, receiver(full).options, never),
  ]);
  const orchestrator = { version: "1.1.0", protocol: 1, pid: 99 };
  assert.deepEqual(greeting, { kind: "refused", code: "full", message: "64 clients", ...orchestrator });
  assert.equal(received, null);
  assert.ok(ends.client.destroyed && ends.server.destroyed);
});

test("an orchestrator that does not know the secret is a stranger, and gets no proof", async (t) => {
  const ends = await pair(t);
  const heard = listen(ends.server);
  const greeting = greet(ends.client, greeter, never);
  const { nonce = "" } = await heard.line(0);
  ends.server.write(challenge(nonce, NONCE.server, OTHER) + line(WELCOME));
  assert.deepEqual(await greeting, { kind: "stranger" });
  assert.equal((await heard.all()).trim().split("\n").length, 1, "it heard the hello and nothing else");
});

test("a client that does not know the secret is told so, and decide is not asked", async (t) => {
  const ends = await pair(t);
  const heard = listen(ends.client);
  const { asked, options } = receiver();
  const received = receive(ends.server, options, never);
  ends.client.write(hello(NONCE.client));
  const { nonce = "" } = await heard.line(0);
  ends.client.write(answer(NONCE.client, nonce, OTHER));
  assert.equal((await heard.line(1)).code, "wrong-proof");
  assert.equal(await received, null);
  assert.deepEqual(asked, []);
});

test("the orchestrator's own proof sent back is no proof", async (t) => {
  const ends = await pair(t);
  const heard = listen(ends.client);
  const received = receive(ends.server, receiver().options, never);
  ends.client.write(hello(NONCE.client));
  const { proof = "" } = await heard.line(0);
  ends.client.write(line({ tandem: "answer", proof }));
  assert.equal((await heard.line(1)).code, "wrong-proof");
  assert.equal(await received, null);
});

test("an answer heard before is no answer to a new challenge", async (t) => {
  const ends = await pair(t);
  const heard = listen(ends.client);
  const received = receive(ends.server, receiver().options, never);
  ends.client.write(hello(NONCE.client) + answer(NONCE.client, NONCE.server));
  assert.equal((await heard.line(1)).code, "wrong-proof");
  assert.equal(await received, null);
});

const ways: readonly { name: string; send: (socket: Socket, text: string) => unknown }[] = [
  { name: "in one piece with what follows", send: (socket, text) => socket.write(text) },
  { name: "byte by byte", send: drip },
];

for (const { name, send } of ways) {
  test(`the client's lines come ${name}: no byte of LSP is lost or read twice`, async (t) => {
    const ends = await pair(t);
    const heard = listen(ends.client);
    const received = receive(ends.server, receiver().options, never);
    await send(ends.client, hello(NONCE.client));
    const { nonce = "" } = await heard.line(0);
    await send(ends.client, answer(NONCE.client, nonce) + LSP);
    assert.ok(await received);
    ends.client.end(LSP);
    assert.equal(await rest(ends.server), LSP + LSP);
  });

  test(`the orchestrator's lines come ${name}: no byte of LSP is lost or read twice`, async (t) => {
    const ends = await pair(t);
    const greeting = greet(ends.client, greeter, never);
    const { nonce = "" } = await listen(ends.server).line(0);
    await send(ends.server, challenge(nonce, NONCE.server) + line(WELCOME) + LSP);
    assert.deepEqual(await greeting, { kind: "welcome", version: "2.0.0", pid: 99 });
    ends.server.end(LSP);
    assert.equal(await rest(ends.client), LSP + LSP);
  });
}

test("the peer has sent all it will and closed: what it sent is still there after the handshake", async (t) => {
  const ends = await pair(t);
  const greeting = greet(ends.client, greeter, never);
  const { nonce = "" } = await listen(ends.server).line(0);
  ends.server.end(challenge(nonce, NONCE.server) + line(WELCOME) + LSP);
  assert.equal((await greeting).kind, "welcome");
  assert.equal(await rest(ends.client), LSP);
});

/** `answers`: how many lines an orchestrator says to it, when it begins well. */
const rubbish: readonly { name: string; text: string; answers?: number }[] = [
  { name: "an empty line", text: "\n" },
  { name: "no JSON", text: "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" },
  { name: "LSP without a handshake", text: LSP },
  { name: "bytes that are no text", text: `${Buffer.from([0xff, 0xfe, 0, 1]).toString("latin1")}\n` },
  { name: "JSON that is no hello", text: "null\n" },
  { name: "brackets only", text: `${"[".repeat(4_000)}\n` },
  { name: "a nonce that is none", text: hello("x") },
  { name: "a version without end", text: hello(NONCE.client, { client: { ...client, version: "1".repeat(51) } }) },
  { name: "a hello with 5 kB of air in it", text: hello().replace("{", `{${" ".repeat(5_000)}`) },
  { name: "a line of 5 MB", text: `${"a".repeat(5_000_000)}\n` },
  { name: "5 MB without a line", text: "a".repeat(5_000_000) },
  { name: "a hello and rubbish", text: `${hello()}rubbish\n`, answers: 1 },
  { name: "two hellos", text: hello() + hello(), answers: 1 },
];

for (const { name, text, answers = 0 } of rubbish) {
  test(`a client sends ${name}: it is dropped`, async (t) => {
    const ends = await pair(t);
    const heard = listen(ends.client).all();
    const { asked, options } = receiver();
    const received = receive(ends.server, options, never);
    ends.client.write(text);
    assert.equal(await received, null);
    assert.equal((await heard).split("\n").length - 1, answers);
    assert.deepEqual(asked, []);
  });

  test(`what listens there sends ${name}: it is silent to us`, async (t) => {
    const ends = await pair(t);
    const closed = closing(ends.server);
    ends.server.write(text);
    assert.deepEqual(await greet(ends.client, greeter, never), { kind: "silent" });
    await closed;
  });
}

test("a client that takes its time is dropped", async (t) => {
  const ends = await pair(t);
  const closed = closing(ends.client);
  const received = receive(ends.server, { ...receiver().options, limitMs: 50 }, never);
  ends.client.write(hello().slice(0, 20));
  assert.equal(await received, null);
  await closed;
});

test("what takes its time to answer a client is silent", async (t) => {
  const ends = await pair(t);
  const greeting = greet(ends.client, { ...greeter, limitMs: 50 }, never);
  const { nonce = "" } = await listen(ends.server).line(0);
  ends.server.write(challenge(nonce, NONCE.server));
  assert.deepEqual(await greeting, { kind: "silent" });
  assert.ok(ends.client.destroyed);
});

test("a client that goes in the middle is no error", async (t) => {
  const ends = await pair(t);
  const received = receive(ends.server, receiver().options, never);
  ends.client.write(hello());
  await once(ends.client, "readable");
  ends.client.destroy();
  assert.equal(await received, null);
});

test("both stop when their signal fires: the orchestrator without a word, the client as cancelled", async (t) => {
  const ends = await pair(t);
  const stop = new AbortController();
  const received = receive(ends.server, receiver().options, stop.signal);
  stop.abort();
  assert.equal(await received, null);
  const greeting = greet((await pair(t)).client, greeter, AbortSignal.abort());
  await assert.rejects(greeting, { name: "TandemError", code: "cancelled" });
});
