import assert from "node:assert/strict";
import { connect as openSocket } from "node:net";
import { test } from "node:test";
import OpenAI from "openai";
import { surroundings } from "../../server/platform/folders.ts";
import { freePort } from "../../server/platform/freePort.ts";
import { run, status } from "../../server/protocol/requests.ts";
import { readEndpoint } from "../../server/rendezvous/endpoint.ts";
import { namesOf } from "../../server/rendezvous/names.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { runCli, startCli } from "./cli.ts";
import { connect } from "./connect.ts";
import { createInstance, type Instance } from "./instance.ts";
import { startServing } from "./served.ts";

const never = new AbortController().signal;
const quiet = () => undefined;
const DOC = "```ts\n/** Half of the value. */\n```";
const document = {
  uri: "file:///half.ts",
  languageId: "typescript",
  text: "export function half(value: number): number {\n  return value / 2;\n}\n",
};
const ask = { instruction: "document half", document };
const hello: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "auto",
  messages: [{ role: "user", content: "hello" }],
};

test("windows, commands and an OpenAI client in one process: who is killed, dropped or misbehaves hurts nobody else", async () => {
  await using instance = await createInstance();
  const gate = createGate();
  await using fake = await startFakeLlama({ slots: 16, reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  const settings = { draft: { endpoint: fake.url }, auditWhen: "never" } as const;
  await using window = await connect(instance, settings);
  const {
    cli: server,
    pid,
    openai,
  } = await startServing({ cwd: instance.folder, env: instance.env, endpoint: fake.url });
  const now = await window.send(status, {}, quiet, never);
  assert.equal(now.pid, pid);
  assert.match(now.http ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);

  const edit = window.send(run, ask, quiet, never);
  await fake.nextRequest();
  const answer = openai.chat.completions.create(hello);
  await fake.nextRequest();

  // A command that is killed in the middle of its task.
  const command = startCli(["generate", "--endpoint", fake.url, "hello"], { cwd: instance.folder, env: instance.env });
  const commands = await fake.nextRequest();
  command.process.kill("SIGKILL");
  await commands.clientLeft;

  // A second window that vanishes with work under way.
  const other = await connect(instance, settings);
  void other.send(run, ask, quiet, never).catch(quiet);
  const others = await fake.nextRequest();
  await other[Symbol.asyncDispose]();
  await others.clientLeft;

  // An HTTP client that hangs up in mid-stream.
  const leaving = new AbortController();
  const stream = openai.chat.completions.create({ ...hello, stream: true }, { signal: leaving.signal });
  stream.catch(quiet);
  const streams = await fake.nextRequest();
  leaving.abort();
  await streams.clientLeft;

  // Rubbish on the socket, from somebody who has not even said hello.
  await rubbish(instance);

  gate.open();
  assert.equal((await edit).kind, "edit");
  assert.match((await answer).choices[0]?.message.content ?? "", /Half of the value/);
  assert.equal((await window.send(status, {}, quiet, never)).pid, pid, "it is still the same process");

  // Whoever held the HTTP door open is killed: the door closes, the rest stays.
  server.process.kill("SIGKILL");
  await server.ended;
  while ((await window.send(status, {}, quiet, never)).http !== null) await new Promise(setImmediate);
  await assert.rejects(openai.models.list());
  assert.equal((await window.send(run, ask, quiet, never)).kind, "edit");
  const { clients } = await window.send(status, {}, quiet, never);
  assert.deepEqual(
    clients.map((it) => it.isYou),
    [true],
    JSON.stringify({ clients, served: server.process.pid, command: command.process.pid, us: process.pid }),
  );
});

test("the HTTP door is open again after the orchestrator was killed, and asks for the same key", async () => {
  await using instance = await createInstance();
  await using fake = await startFakeLlama({ slots: 4, reply: () => "hello" });
  const port = String(await freePort());
  const { env, folder: cwd } = instance;
  const cli = startCli(["serve", "--port", port, "--endpoint", fake.url], { cwd, env });
  const lines = cli.lines[Symbol.asyncIterator]();
  const first = /process (\d+)/.exec((await lines.next()).value ?? "")?.[1];
  const apiKey = (await runCli(["key"], { cwd, env })).stdout.trim();
  const openai = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey, maxRetries: 0 });
  assert.equal((await openai.chat.completions.create(hello)).choices[0]?.message.content, "hello");
  process.kill(Number(first), "SIGKILL");
  const again = (await lines.next()).value ?? "";
  assert.match(again, /Listening on .*process \d+/);
  assert.notEqual(/process (\d+)/.exec(again)?.[1], first);
  assert.equal((await openai.chat.completions.create(hello)).choices[0]?.message.content, "hello");
  const rotated = await runCli(["key", "rotate"], { cwd, env });
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.notEqual(rotated.stdout.trim(), apiKey);
  await assert.rejects(openai.chat.completions.create(hello), OpenAI.AuthenticationError);
  cli.process.kill("SIGINT");
  assert.equal((await cli.ended).code, 0);
});

async function rubbish(instance: Instance): Promise<void> {
  const names = namesOf({ ...surroundings(), env: { ...process.env, ...instance.env } });
  const endpoint = await readEndpoint(names);
  const socket = openSocket(endpoint?.socket ?? "");
  socket.on("error", quiet);
  socket.end("GET / HTTP/1.1\r\nHost: x\r\n\r\n\0\xff{]}");
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
}
