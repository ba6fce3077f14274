import assert from "node:assert/strict";
import { test } from "node:test";
import { recordingLog } from "../../fakes/log.ts";
import { framed, type RawClient, startDoor, type TestDoor, type Wire } from "../door.ts";

const GENERATE = { prompt: "x" };

/** A client that is in, and one beside it that must never notice anything. */
async function entered(door: TestDoor): Promise<RawClient> {
  const client = await door.enter();
  await client.initialize();
  return client;
}

test("LSP's order of things is kept, request by request", async () => {
  await using door = await startDoor();
  const client = await door.enter();
  assert.equal((await client.ask("tandem/status", {})).error.code, -32002);
  assert.equal((await client.ask("no/such", {})).error.code, -32002);
  assert.equal((await client.ask("initialize", { initializationOptions: { maxTokens: -1 } })).error.code, -32602);
  assert.equal((await client.initialize()).result.capabilities.positionEncoding, "utf-16");
  assert.equal((await client.initialize()).error.code, -32600);
  assert.equal((await client.ask("no/such", {})).error.code, -32601);
  assert.equal((await client.ask("textDocument/codeAction", {})).error.code, -32601);
  assert.equal((await client.ask("tandem/generate", { prompt: 5 })).error.code, -32602);
  assert.equal((await client.ask("tandem/generate", [1])).error.code, -32602);
  assert.deepEqual((await client.ask("tandem/status")).result, { pid: 1 });
  assert.equal((await client.ask("shutdown")).result, null);
  assert.equal((await client.ask("tandem/status", {})).error.code, -32600);
  client.send({ method: "exit" });
  await client.closed;
  assert.equal(door.served[0]?.session.disposals, 1);
});

test("settings and folders reach the session, and nonsense changes nothing", async () => {
  const log = recordingLog();
  await using door = await startDoor({ log });
  const client = await door.enter();
  await client.ask("initialize", {
    initializationOptions: { maxTokens: 100 },
    workspaceFolders: [{ uri: "file:///a", name: "a" }],
    rootUri: "file:///root",
  });
  client.send({ method: "workspace/didChangeConfiguration", params: { settings: { maxTokens: 200 } } });
  client.send({ method: "workspace/didChangeConfiguration", params: { settings: { maxTokens: "many" } } });
  client.send({ method: "workspace/didChangeConfiguration" });
  const event = { added: [{ uri: "file:///b", name: "b" }], removed: [{ uri: "file:///a", name: "a" }] };
  client.send({ method: "workspace/didChangeWorkspaceFolders", params: { event } });
  client.send({ method: "no/suchNotification" });
  await client.ask("tandem/status");
  const session = door.served[0]?.session;
  assert.deepEqual(
    session?.settings.map((it) => it.maxTokens),
    [100, 200],
  );
  assert.deepEqual(session?.folders, [["file:///a"], ["file:///b"]]);
  assert.equal(log.lines.filter((it) => it.includes("notification ignored")).length, 3);
});

test("the root counts where no folders are named; editors may send a section or nothing", async () => {
  await using door = await startDoor();
  const client = await door.enter("editor");
  const initializationOptions = { tandem: { maxTokens: 100 } };
  await client.ask("initialize", { capabilities: {}, initializationOptions, rootUri: "file:///root" });
  for (const settings of [{}, null, { tandem: { maxTokens: 300 } }])
    client.send({ method: "workspace/didChangeConfiguration", params: { settings } });
  await client.ask("tandem/status");
  const session = door.served[0]?.session;
  assert.deepEqual(
    session?.settings.map((it) => it.maxTokens),
    [100, 300],
  );
  assert.deepEqual(session?.folders, [["file:///root"]]);
});

interface Nonsense {
  readonly name: string;
  readonly body: string;
  readonly want: { readonly id: unknown; readonly code: number };
}

const nonsense: readonly Nonsense[] = [
  { name: "what is no JSON", body: '{"id":1', want: { id: null, code: -32700 } },
  { name: "nothing", body: "", want: { id: null, code: -32700 } },
  { name: "null", body: "null", want: { id: null, code: -32600 } },
  { name: "a batch", body: '[{"jsonrpc":"2.0","id":1,"method":"tandem/status"}]', want: { id: null, code: -32600 } },
  { name: "a method that is a number", body: '{"id":7,"method":5}', want: { id: 7, code: -32600 } },
  { name: "an id that is an object", body: '{"id":{},"method":"tandem/status"}', want: { id: null, code: -32600 } },
  { name: "parameters that are a text", body: '{"id":7,"method":"a","params":"b"}', want: { id: 7, code: -32600 } },
  { name: "an answer that says nothing", body: '{"id":7}', want: { id: 7, code: -32600 } },
  { name: "a cancellation of nothing", body: '{"method":"$/cancelRequest"}', want: { id: null, code: -32600 } },
  { name: "100 levels", body: "[".repeat(100) + "]".repeat(100), want: { id: null, code: -32600 } },
  { name: "a million levels", body: "[".repeat(1_000_000), want: { id: null, code: -32600 } },
];

for (const it of nonsense)
  test(`${it.name} is answered as such, and the next request is served`, async () => {
    await using door = await startDoor();
    const client = await entered(door);
    client.bytes(framed(it.body));
    const answer = await client.next((message) => message.error);
    assert.deepEqual({ id: answer.id, code: answer.error.code }, it.want);
    assert.ok((await client.ask("tandem/status")).result);
  });

test("answers nobody asked for, cancellations of unknown requests, and progress of nothing are passed over", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  client.send({ id: 99, result: 1 });
  client.send({ id: 99, error: {} });
  client.send({ method: "$/cancelRequest", params: { id: 12_345 } });
  client.send({ method: "$/progress" });
  client.send({ method: "$/whatever", params: [1] });
  assert.ok((await client.ask("tandem/status")).result);
});

test("a client of nothing but nonsense is dropped, with a line in the log; the one beside it is served", async () => {
  const log = recordingLog();
  await using door = await startDoor({ log });
  const [bad, good] = [await entered(door), await entered(door)];
  for (let sent = 0; sent < 150; sent++) bad.bytes(framed("nonsense"));
  await bad.closed;
  assert.ok(log.lines.some((it) => it.includes("client dropped") && it.includes("cannot be read")));
  assert.ok((await good.ask("tandem/status")).result);
});

test("a message that is announced as too large drops its client before it has come", async () => {
  const log = recordingLog();
  await using door = await startDoor({ log });
  const [bad, good] = [await entered(door), await entered(door)];
  const working = bad.ask("tandem/generate", GENERATE).catch(() => "lost");
  bad.bytes("Content-Length: 99999999999\r\n\r\n");
  await bad.closed;
  assert.equal(await working, "lost");
  assert.ok(log.lines.some((it) => it.includes("client dropped") && it.includes("more than")));
  assert.equal(door.served[0]?.session.working, 0);
  assert.ok((await good.ask("tandem/status")).result);
});

test("requests at a time are bounded, with a next step; when one is done there is room again", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  for (let id = 1; id <= 256; id++) client.send({ id, method: "tandem/generate", params: GENERATE });
  const { error } = await client.ask("tandem/status");
  assert.match(error.message, /256 requests/);
  assert.match(error.data.nextStep, /Wait for one/);
  client.send({ method: "$/cancelRequest", params: { id: 7 } });
  assert.equal((await client.next((it) => it.id === 7)).error.code, -32800);
  assert.ok((await client.ask("tandem/status")).result);
  assert.equal(door.served[0]?.client.running(), 255);
});

test("an id that is still in use is refused; the first request goes on", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  client.send({ id: 5, method: "tandem/generate", params: GENERATE });
  client.send({ id: "5", method: "tandem/status" });
  assert.equal((await client.next((it) => it.id === "5")).error.code, -32600);
  client.send({ id: 5, method: "tandem/status" });
  assert.equal((await client.next((it) => it.id === 5)).error.code, -32600);
  door.served[0]?.session.letGo();
  assert.equal((await client.next((it) => it.id === 5 && it.result)).result.text, "done");
  assert.ok((await client.ask("tandem/status", {}, 5)).result, "and free again afterwards");
});

test("a client that does not read is dropped, and holds up nobody", async () => {
  const log = recordingLog();
  await using door = await startDoor({ log });
  const [bad, good] = [await entered(door), await entered(door)];
  bad.socket.pause();
  const served = door.served[0];
  for (let said = 0; said < 80; said++) served?.client.log("info", "x".repeat(1024 * 1024));
  await served?.client.gone;
  assert.ok(log.lines.some((it) => it.includes("does not read")));
  assert.ok((await good.ask("tandem/status")).result);
});

test("draining: what runs is finished, what comes is refused as not started, then the connection is closed", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  const running = client.ask("tandem/generate", GENERATE);
  // Answered after the request before it has begun.
  await client.ask("tandem/status");
  const served = door.served[0];
  served?.client.drain();
  const { error } = await client.ask("tandem/generate", GENERATE);
  assert.deepEqual(
    { code: error.data.code, isRetryable: error.data.isRetryable, details: error.data.details },
    { code: "shutting-down", isRetryable: true, details: { started: false } },
  );
  served?.session.letGo();
  assert.equal((await running).result.text, "done");
  await client.closed;
  await served?.client.gone;
  assert.equal(served?.session.disposals, 1);
});

test("draining a client that asks nothing ends it; what it was told before still reaches it", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  door.served[0]?.client.log("warn", "moving");
  door.served[0]?.client.drain();
  await client.closed;
  assert.deepEqual(client.received.at(-1)?.params, { type: 2, message: "moving" });
});

test("a client that goes: its requests are aborted, its session is disposed of once", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  void client.ask("tandem/generate", GENERATE).catch(() => undefined);
  await client.ask("tandem/status");
  const served = door.served[0];
  assert.equal(served?.session.working, 1);
  client.socket.destroy();
  await served?.client.gone;
  await settled(() => served?.client.running() === 0);
  served?.client.close();
  served?.client.drain();
  assert.deepEqual([served?.session.working, served?.session.disposals], [0, 1]);
});

test("messages that come faster than they are taken up keep their order", async () => {
  await using door = await startDoor();
  const client = await entered(door);
  const ids = Array.from({ length: 5_000 }, (_, index) => index + 1);
  client.bytes(Buffer.concat(ids.map((it) => note(it))));
  await client.ask("tandem/status");
  const seen = door.served[0]?.session.settings.slice(1).map((it) => it.maxTokens);
  assert.deepEqual(
    seen,
    ids.map((it) => it + 16),
  );
});

function note(number: number): Buffer {
  const params: Wire = { settings: { maxTokens: number + 16 } };
  return framed(JSON.stringify({ method: "workspace/didChangeConfiguration", params }));
}

/** Resolves once the microtasks and the loop have got so far. */
async function settled(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
