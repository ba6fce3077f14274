import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  createProtocolConnection,
  ExitNotification,
  InitializeRequest,
  ShutdownRequest,
} from "vscode-languageserver-protocol/node";
import { createInstance, type Instance } from "./instance.ts";

const CLI = fileURLToPath(new URL("../../server/cli.ts", import.meta.url));
const INITIALIZE = { processId: null, rootUri: null, capabilities: {} };

/** `tandem lsp` as an editor starts it, initialised. */
async function startEditor(instance: Instance) {
  const env = { ...process.env, ...instance.env };
  const child = spawn(process.execPath, [CLI, "lsp"], { env, stdio: ["pipe", "pipe", "inherit"] });
  const connection = createProtocolConnection(child.stdout, child.stdin);
  connection.onError(() => undefined);
  connection.listen();
  await connection.sendRequest(InitializeRequest.type, INITIALIZE);
  return { child, connection, exited: once(child, "exit") };
}

test("an editor that says good-bye sees its server end as it should, with its stdin still open", async () => {
  await using instance = await createInstance();
  const { connection, exited } = await startEditor(instance);
  await connection.sendRequest(ShutdownRequest.type);
  await connection.sendNotification(ExitNotification.type);
  assert.deepEqual(await exited, [0, null]);
});

test("an editor that just closes its end is gone", async () => {
  await using instance = await createInstance();
  const { child, exited } = await startEditor(instance);
  child.stdin.end();
  assert.deepEqual(await exited, [0, null]);
});

test("an orchestrator that is killed ends the editor's server with 1, so that it starts another", async () => {
  await using instance = await createInstance();
  const { exited } = await startEditor(instance);
  process.kill((await instance.pid()) ?? 0, "SIGKILL");
  assert.deepEqual(await exited, [1, null]);
});
