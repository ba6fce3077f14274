import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecuteCommandRequest } from "vscode-languageserver-protocol/node";
import { startFakeLlama } from "../../../fakes/openaiServer.ts";
import { startOrchestrator } from "../../../server/orchestrator.ts";
import { CODE, DOC, startEditor, URI } from "./editor.ts";

test("the other command takes drafts whose audits go on, and no others", async () => {
  await using orchestrator = await startOrchestrator();
  const never = () => new Promise<void>(() => undefined);
  await using drafter = await startFakeLlama({ reply: () => DOC });
  await using auditor = await startFakeLlama({ reply: () => ({ text: '{"ok":true}', beforePiece: never }) });
  const editor = await startEditor(orchestrator, {
    ...{ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } },
    auditWhen: "always",
  });
  await editor.open(URI, CODE);
  const accept = () => editor.connection.sendRequest(ExecuteCommandRequest.type, { command: "tandem.acceptNow" });
  assert.deepEqual(await accept(), { accepted: 0 });
  const edit = editor.resolve((await editor.actions()).find((it) => it.title === "Tandem: write docstring"));
  await editor.said("written, the audit goes on: tandem.acceptNow ends it");
  assert.deepEqual(await accept(), { accepted: 1 });
  assert.match(JSON.stringify(await edit), /Half of the value/);
  assert.deepEqual(await accept(), { accepted: 0 });
});
