import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import {
  createProtocolConnection,
  ExitNotification,
  InitializeRequest,
  type ProtocolConnection,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import { serverEntry } from "../../server/assets.ts";
import { run, status } from "../../server/protocol/requests.ts";
import { Status } from "../../server/protocol/status.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { linuxOnly, unixOnly } from "../setup/only.ts";
import { failureOf } from "./orchestrator.ts";

const INITIALIZE = { processId: null, rootUri: null, capabilities: {}, initializationOptions: {} };

function start(...args: string[]) {
  const child = spawn(process.execPath, [serverEntry(), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  return { child, exited };
}

test("a log that cannot be written, as on a full disk, ends nothing", { skip: linuxOnly }, async () => {
  const full = openSync("/dev/full", "w");
  const child = spawn(process.execPath, [serverEntry(), "--stdio"], { stdio: ["pipe", "pipe", full] });
  closeSync(full);
  const exited = once(child, "exit");
  const connection = over(child);
  await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  assert.equal(Status.parse(await connection.sendRequest(status.method, {})).pid, child.pid);
  child.stdin?.end();
  assert.deepEqual(await exited, [0, null]);
});

function over(child: ChildProcess): ProtocolConnection {
  assert.ok(child.stdout && child.stdin);
  const connection = createProtocolConnection(child.stdout, child.stdin);
  connection.onError(() => undefined);
  connection.listen();
  return connection;
}

test("stdio: initialize, shutdown, exit, and the process has ended well", async () => {
  const { child, exited } = start("--stdio");
  const connection = over(child);
  const answer = await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  assert.equal(answer.serverInfo?.name, "tandem");
  assert.equal(Status.parse(await connection.sendRequest(status.method, {})).pid, child.pid);
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  assert.deepEqual(await exited, [0, null]);
});

test("stdio: an editor that is not ours is sent nothing but what LSP knows", async () => {
  const { child, exited } = start("--stdio");
  const connection = over(child);
  const methods = new Set<string>();
  connection.onUnhandledNotification(({ method }) => void methods.add(method));
  await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  // Its own engines are placed by then, which is news.
  await connection.sendRequest(status.method, {});
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  await exited;
  assert.deepEqual(
    [...methods].filter((it) => it.startsWith("tandem/")),
    [],
  );
});

test("stdio: the process leaves when its client's stream ends, in the middle of a task too", async () => {
  await using fake = await startFakeLlama({ reply: () => ({ fault: { kind: "hang" } }) });
  const { child, exited } = start("--stdio");
  const connection = over(child);
  await connection.sendRequest(InitializeRequest.type, {
    ...INITIALIZE,
    initializationOptions: { draft: { endpoint: fake.url } },
  });
  void connection.sendRequest(run.method, { instruction: "what is a monad?" }).catch(() => undefined);
  const request = await fake.nextRequest();
  child.stdin?.end();
  await request.clientLeft;
  assert.deepEqual(await exited, [0, null]);
});

test("stdio: Ctrl-C in the terminal is the client's to decide; SIGTERM ends the process", {
  skip: unixOnly,
}, async () => {
  const { child, exited } = start("--stdio");
  const connection = over(child);
  await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  child.kill("SIGINT");
  assert.equal(Status.parse(await connection.sendRequest(status.method, {})).pid, child.pid);
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
});

test("stdio: settings that are wrong are refused by name, and nothing but the protocol is on stdout", async () => {
  const { child, exited } = start("--stdio");
  const connection = over(child);
  const options = { draft: { device: "toaster" }, maxTokens: -5 };
  const failure = await failureOf(
    connection.sendRequest(InitializeRequest.type, { ...INITIALIZE, initializationOptions: options }),
  );
  assert.equal(failure.code, "bad-request");
  assert.match(failure.message, /device/);
  assert.match(failure.message, /maxTokens/);
  await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  child.stdin?.end();
  await exited;
});

test("without a door it says how it is used", async () => {
  const { child, exited } = start();
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) said.push(line);
  assert.deepEqual(await exited, [2, null]);
  assert.match(said.join("\n"), /--shared \| --stdio/);
});
