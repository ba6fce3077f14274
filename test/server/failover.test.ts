import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { ChatEvent } from "../../server/protocol/openai.ts";
import { chat, generate, run, status } from "../../server/protocol/requests.ts";
import type { RunEvent, RunResult } from "../../server/protocol/run.ts";
import { piecesOf } from "../fakes/openaiScript.ts";
import type { FakeLlama, FakeRequest } from "../fakes/openaiServer.ts";
import { always, type Dying, impatient, phases, startDying } from "./dyingServers.ts";
import { failureOf, startOrchestrator } from "./orchestrator.ts";

const STUB = `export function total(prices: number[]): number {
  throw new Error("not implemented");
}
`;
const BODY = `export function total(prices: number[]): number {
  let sum = 0;
  for (const price of prices) {
    sum += price;
  }
  return sum;
}`;
const REPLY = `Here it is:\n\n\`\`\`ts\n${BODY}\n\`\`\`\nHope this helps!`;
const PIECES = piecesOf({ text: REPLY }).length;
const OK = '{"ok":true}';

const isAudit = (request: FakeRequest) => /review code/.test(request.prompt);
const judged = (request: FakeRequest) => (isAudit(request) ? OK : null);

interface Ran {
  readonly result: RunResult;
  readonly events: readonly RunEvent[];
  readonly drafter: FakeLlama;
  readonly auditor: FakeLlama;
}

/** An edit that one server drafts and another audits, both of which write the same. */
async function ran(drafter: Partial<Dying>, auditor: Partial<Dying> = {}): Promise<Ran> {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  await using first = await startDying({ text: REPLY, models: ["large"], other: judged, ...drafter });
  await using second = await startDying({ text: REPLY, models: ["small"], other: judged, ...auditor });
  const client = await orchestrator.connect({
    draft: { endpoint: first.url },
    audit: { endpoint: second.url },
    auditWhen: "always",
  });
  const events: RunEvent[] = [];
  const document = { uri: "file:///total.ts", languageId: "typescript", text: STUB };
  const asked = { action: "implement" as const, instruction: "implement total", document };
  const result = await client.send(run, asked, { onEvent: (event) => events.push(event) });
  assert.deepEqual(
    (await client.send(status, {})).engines.map((it) => [it.active, it.queued]),
    [
      [0, 0],
      [0, 0],
    ],
  );
  return { result, events, drafter: first, auditor: second };
}

function assertIntact({ result, events }: Ran): void {
  assert.equal(result.kind, "edit");
  const after = result.kind === "edit" ? result.edits[0]?.after : null;
  assert.equal(after?.trim(), BODY.trim());
  assert.ok(!events.some((it) => it.kind === "retry"));
  const drafted = events.flatMap((it) => (it.kind === "draft" ? [it.text] : [])).join("");
  assert.equal(drafted, after);
}

for (const { name, fault } of phases(PIECES))
  test(`a draft whose engine dies ${name}`, async () => {
    const it = await ran({ fault: always(fault) });
    assertIntact(it);
    const hasText = "after" in fault && fault.after > 0;
    const told = it.events.filter((event) => event.kind === "notice" && /instead/.test(event.message));
    if (hasText) assert.ok(it.result.seams.every((seam) => seam.atCharacters <= BODY.length + 1));
    else assert.deepEqual([it.result.seams, told.length], [[], 1]);
    if ("after" in fault && fault.after === Math.floor(PIECES / 2)) assert.ok(it.result.seams.length > 0);
    // The draft is there before the answer is over.
    const isDraftThere = "after" in fault && fault.after === PIECES;
    assert.equal(it.result.timing.draft.model.label, isDraftThere ? "large" : "small");
    assert.equal(it.result.audit?.audited, it.result.audit?.parts);
  });

test("the seam is told where it is in the edit, by whom and why", async () => {
  const it = await ran({ fault: always({ kind: "error-event", after: 20, message: "CUDA error: out of memory" }) });
  assertIntact(it);
  const [seam, ...more] = it.result.seams;
  assert.deepEqual(more, []);
  const before = it.events.slice(
    0,
    it.events.findIndex((event) => event.kind === "seam" && event.seam.atCharacters > 0),
  );
  const written = before.flatMap((event) => (event.kind === "draft" ? [event.text] : [])).join("");
  assert.equal(seam?.atCharacters, written.length);
  assert.match(`${seam?.from} ${seam?.to}`, /^large on 127.* small on 127/);
  assert.match(seam?.why ?? "", /CUDA error/);
});

test("engines are asked in order, three dead ones in a row", async () => {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  const dying = (model: string, after: number) =>
    startDying({ text: REPLY, models: [model], other: judged, fault: always({ kind: "disconnect", after }) });
  await using draft = await dying("draft-model", 9);
  await using audit = await dying("audit-model", 7);
  await using low = await dying("low-model", 5);
  await using high = await startDying({ text: REPLY, models: ["high-model"], other: judged });
  const client = await orchestrator.connect({
    draft: { endpoint: draft.url },
    audit: { endpoint: audit.url },
    low: { endpoint: low.url },
    high: { endpoint: high.url },
  });
  let text = "";
  const seams: string[] = [];
  const result = await client.send(
    generate,
    { messages: [{ role: "user", content: "total, please" }], role: "draft" },
    {
      onEvent(event) {
        if (event.kind === "draft") text += event.text;
        if (event.kind === "seam") seams.push(`${event.seam.from} > ${event.seam.to}`);
      },
    },
  );
  assert.equal(result.text, REPLY);
  assert.equal(text, REPLY);
  assert.ok(seams.length >= 1, seams.join());
  assert.equal(result.completionTokens, PIECES);
});

test("all dead: the first one's error, and what was tried besides", async () => {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  const dying = (model: string, message: string) =>
    startDying({ text: REPLY, models: [model], fault: always({ kind: "error-event", after: 3, message }) });
  await using draft = await dying("large", "the card fell out");
  await using audit = await dying("small", "the disk is gone");
  const client = await orchestrator.connect({ draft: { endpoint: draft.url }, audit: { endpoint: audit.url } });
  const failure = await failureOf(client.send(generate, { prompt: "total" }));
  assert.equal(failure.code, "provider");
  assert.match(failure.message, /the card fell out.*; then audit: .*the disk is gone/);
  const tried = z.array(z.object({ engine: z.string() })).parse(failure.details?.tried);
  assert.deepEqual(tried.map((it) => it.engine).toSorted(), ["audit", "audit", "draft", "draft"]);
  assert.deepEqual(
    (await client.send(status, {})).engines.map((it) => it.active),
    [0, 0],
  );
});

test("an audit whose engine dies goes on with the drafter, and the edit is as it was", async () => {
  const broken = { kind: "disconnect", after: 1 } as const;
  const it = await ran({}, { other: (request) => (isAudit(request) ? { text: OK, fault: broken } : null) });
  assertIntact(it);
  assert.deepEqual(it.result.seams, []);
  assert.equal(it.result.audit?.endedBy, null);
  assert.equal(it.result.audit?.audited, it.result.audit?.parts);
  assert.ok(it.drafter.requests.some(isAudit));
  assert.ok(it.result.notices.some((notice) => /^small .* failed .*; large .* audits instead$/.test(notice)));
});

test("one whose engines both die costs the audit alone", async () => {
  const broken = { kind: "disconnect", after: 1 } as const;
  const other = (request: FakeRequest) => (isAudit(request) ? { text: OK, fault: broken } : null);
  const it = await ran({ other }, { other });
  assertIntact(it);
  assert.equal(it.result.audit?.endedBy, "failure");
});

test("a draft that breaks off takes the turn of its own audit, which goes on afterwards", async () => {
  const fault = always({ kind: "disconnect", after: 20 });
  const it = await ran({ fault, slots: 1 }, { slots: 1 });
  assertIntact(it);
  const kinds = it.auditor.requests.map((request) => (isAudit(request) ? "audit" : "draft"));
  assert.ok(kinds.includes("draft") && kinds.lastIndexOf("audit") > kinds.indexOf("draft"), kinds.join());
  assert.equal(it.result.audit?.audited, it.result.audit?.parts);
});

test("what a cancelled task was about to ask of another engine is never sent", async () => {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  const cancel = new AbortController();
  await using draft = await startDying({
    text: REPLY,
    fault() {
      cancel.abort();
      return { kind: "stall", after: 3 };
    },
  });
  await using audit = await startDying({ text: REPLY });
  const client = await orchestrator.connect({ draft: { endpoint: draft.url }, audit: { endpoint: audit.url } });
  const failure = await failureOf(client.send(generate, { prompt: "total" }, { signal: cancel.signal }));
  assert.equal(failure.code, "cancelled");
  assert.deepEqual([draft.requests.length, audit.requests.length], [1, 0]);
});

test("each server that goes on is a decision of its own, linked to the first, behind the seam", async () => {
  await using orchestrator = await startOrchestrator({ openEngine: impatient });
  await using draft = await startDying({
    text: REPLY,
    models: ["large"],
    fault: always({ kind: "disconnect", after: 9 }),
  });
  await using audit = await startDying({ text: REPLY, models: ["small"] });
  const client = await orchestrator.connect({ draft: { endpoint: draft.url }, audit: { endpoint: audit.url } });
  const events: ChatEvent[] = [];
  const messages = [{ role: "user" as const, content: "Implement total" }];
  const onEvent = (event: ChatEvent) => void events.push(event);
  await client.send(chat, { model: "auto", messages, stream: true }, { onEvent });
  const told = events.filter((it) => it.kind === "decision" || it.kind === "seam");
  assert.deepEqual(
    told.map((it) => it.kind),
    ["decision", "seam", "decision"],
  );
  const [first, second] = events.flatMap((it) => (it.kind === "decision" ? [it.decision] : []));
  assert.deepEqual([first?.engine, first?.after, second?.engine, second?.after], ["draft", null, "audit", first?.id]);
  assert.match(second?.why ?? "", /another engine|a smaller model|the same model/);
});
