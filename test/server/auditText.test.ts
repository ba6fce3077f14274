import assert from "node:assert/strict";
import { test } from "node:test";
import { auditText } from "../../server/protocol/audit.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { type FakeOptions, startFakeLlama } from "../fakes/openaiServer.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

const TEXT = `export function first(values: number[]): number {
  const copy = [...values];
  copy.sort();
  const found = copy[0];
  if (found === undefined) throw new RangeError("there is none");
  return found;
}

export function second(values: number[]): number {
  const copy = [...values];
  copy.sort();
  const found = copy[1];
  if (found === undefined) throw new RangeError("there is none");
  return found;
}
`;
const asked = { brief: "the least and the second least", languageId: "typescript", text: TEXT };

async function audited(reply: FakeOptions["reply"], as: "parts" | "whole", critiques = 0) {
  await using orchestrator = await startOrchestrator();
  await using drafter = await startFakeLlama({ reply: () => "no" });
  await using auditor = await startFakeLlama({ reply });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const events: RunEvent[] = [];
  const given = { ...asked, as, critiques };
  const result = await client.send(auditText, given, { onEvent: (event) => void events.push(event) });
  assert.equal(drafter.requests.length, 0, "the drafter is not asked");
  return { result, events, prompts: auditor.requests.map((it) => it.prompt) };
}

test("a text is judged block by block and then as a whole, by the auditor, on its own lines", async () => {
  const flag = '{"ok":false,"line":11,"severity":"error","why":"sort compares texts"}';
  const { result, events, prompts } = await audited(
    ({ body }) => (/^11\|/m.test(body.messages?.at(-1)?.content ?? "") ? flag : '{"ok":true}'),
    "parts",
  );
  assert.equal(result.parts, 2);
  assert.deepEqual(result.findings, [{ line: 11, severity: "error", message: "sort compares texts", source: "audit" }]);
  assert.equal(result.finalPass, "ok");
  const parts = events.filter((it) => it.kind === "audited").map((it) => [it.fromLine, it.toLine, it.isOk]);
  assert.deepEqual(parts, [
    [1, 7, true],
    [8, 15, false],
  ]);
  assert.equal(prompts.length, 3, "two parts and the final pass");
});

test("as a whole there is one verdict, and it is the final one", async () => {
  const { result, prompts } = await audited(() => '{"ok":true}', "whole");
  assert.deepEqual([result.parts, result.finalPass, prompts.length], [1, "ok", 1]);
  assert.match(prompts[0] ?? "", /1\| export function first[\s\S]*15\| }/);
});

test("findings are explained as often as is asked for", async () => {
  const flag = '{"ok":false,"line":3,"severity":"error","why":"sort compares texts"}';
  const reply: FakeOptions["reply"] = ({ prompt }) =>
    /Explain it to the programmer/.test(prompt) ? "10 comes before 9." : flag;
  const { result } = await audited(reply, "whole", 1);
  assert.equal(result.findings[0]?.detail, "10 comes before 9.");
  assert.equal((await audited(reply, "whole", 0)).result.findings[0]?.detail, undefined);
});

test("a verdict that cannot be read is told as that and is no approval", async () => {
  const { result } = await audited(() => "fine!", "parts");
  assert.deepEqual([result.findings.length, result.unclear, result.finalPass], [0, 2, null]);
});

test("nothing to audit, and an auditor that is not there, are told", async () => {
  await using orchestrator = await startOrchestrator();
  await using auditor = await startFakeLlama({ reply: () => '{"ok":true}' });
  const client = await orchestrator.connect({ draft: { endpoint: auditor.url } });
  const empty = await failureOf(client.send(auditText, { ...asked, text: "\n \n" }));
  assert.equal(empty.code, "bad-input");
  await auditor.close();
  const other = await orchestrator.connect({ draft: { endpoint: auditor.url } });
  assert.equal((await failureOf(other.send(auditText, asked))).code, "provider");
});
