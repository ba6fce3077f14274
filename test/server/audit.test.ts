import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { createGate } from "../fakes/openaiScript.ts";
import { type FakeLlama, startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

const TEXT = `export function total(prices: number[]): number {
  return 0;
}
`;

const CODE = `export function total(prices: number[]): number {
  let sum = 0;
  for (const price of prices) {
    sum += price;
  }

  const rounded = Math.round(sum * 100) / 100;
  if (rounded < 0) {
    throw new Error("a refund is no total");
  }

  return rounded;
}`;

const request = {
  instruction: "implement total",
  document: { uri: "file:///total.ts", languageId: "typescript", text: TEXT },
};
const flag = (line: number, severity = "error") =>
  `{"ok":false,"line":${line},"severity":"${severity}","why":"a planted fault"}`;
const auditorsWord = (prompt: string) => (/You said of line/.test(prompt) ? "It breaks." : '{"ok":true}');
const draftReply = `\`\`\`ts\n${CODE}\n\`\`\``;

test("the audit judges the first part while the draft is still being written", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using drafter = await startFakeLlama({
    reply: () => ({ pieces: draftReply.split(/(?<=\n)/), beforePiece: gate.wait }),
  });
  await using auditor = await startFakeLlama({ reply: () => '{"ok":true}' });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const events: RunEvent[] = [];
  const judged = Promise.withResolvers<void>();
  const answer = client.send(run, request, {
    onEvent: (event) => {
      events.push(event);
      if (event.kind === "audited") judged.resolve();
    },
  });
  gate.open(9);
  await judged.promise;
  assert.equal(drafter.requests[0]?.state, "open", "the draft is held back by the gate, yet a part of it is judged");
  gate.open();
  const result = await answer;
  assert.equal(result.kind, "edit");
  assert.ok(events.filter((it) => it.kind === "audited").length >= 2, "in parts");
  assert.ok(result.timing.audit);
  assert.notEqual(result.timing.overlap, null);
});

test("every audit prompt begins with what was asked before, to the final pass and the critique", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using drafter = await startFakeLlama({
    reply: () => ({ pieces: draftReply.split(/(?<=\n)/), beforePiece: gate.wait }),
  });
  await using auditor = await startFakeLlama({
    reply: (it) =>
      /Part 1/.test(it.prompt) && !/Part 2|was the whole/.test(it.prompt) ? flag(2) : auditorsWord(it.prompt),
  });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  gate.open(9);
  await client.send(run, request, { onEvent: (event) => event.kind === "audited" && gate.open() });
  const prompts = auditor.requests.map((it) =>
    (it.body.messages ?? []).map((message) => `${message.role}: ${message.content}`),
  );
  assert.ok(prompts.length >= 5, "the task, two parts, the whole, a critique");
  for (const [index, prompt] of prompts.entries()) {
    const earlier = prompts[index - 1] ?? [];
    // The opening is how the first question begins.
    const same = index === 1 ? earlier.slice(0, -1) : earlier;
    assert.deepEqual(prompt.slice(0, same.length), same);
    assert.ok(prompt.join("\n").startsWith(earlier.join("\n")));
  }
  assert.match(prompts.at(-2)?.at(-1) ?? "", /That was the whole draft/);
  assert.match(prompts.at(-1)?.at(-1) ?? "", /You said of line 2: "a planted fault"/);
});

test("a flagged line becomes a finding on the draft's own line", async () => {
  const findings = await findingsFor((prompt) =>
    /You said of line/.test(prompt)
      ? "Refunds make\nthe sum negative."
      : '{"ok":false,"line":9,"severity":"error","why":"negative totals are allowed"}',
  );
  assert.deepEqual(
    findings.find((it) => it.line === 9),
    {
      ...{ line: 9, severity: "error", message: "negative totals are allowed", source: "audit" },
      detail: "Refunds make the sum negative.",
    },
  );
});

test("a verdict that cannot be read is no approval", async () => {
  const { result } = await runWith(async () => startFakeLlama({ reply: () => "looks good to me!" }));
  assert.equal(result.findings.length, 0);
  assert.match(result.notices.join("\n"), /parts got no clear verdict/);
});

test("an auditor that is not there costs the audit, not the draft", async () => {
  const { result } = await runWith(async () => {
    const auditor = await startFakeLlama({ reply: () => "" });
    await auditor.close();
    return auditor;
  });
  assert.equal(result.kind, "edit");
  assert.match(result.notices.join("\n"), /No audit:/);
  assert.equal(result.timing.audit, null);
});

test("an auditor that breaks costs the audit, not the draft, where nobody else can audit", async () => {
  await using orchestrator = await startOrchestrator();
  const broken = { fault: { kind: "disconnect", after: 0 } } as const;
  await using drafter = await startFakeLlama({ reply: (it) => (/review code/.test(it.prompt) ? broken : draftReply) });
  await using auditor = await startFakeLlama({ reply: () => broken });
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  const result = await client.send(run, request);
  assert.equal(result.kind, "edit");
  assert.match(result.notices.join("\n"), /The audit broke off/);
  assert.equal(result.audit?.endedBy, "failure");
  assert.equal(result.audit.finalPass, null);
});

test("one endpoint with one slot serves both roles, one after the other", async () => {
  await using orchestrator = await startOrchestrator();
  await using both = await startFakeLlama({
    slots: 1,
    reply: (it) => (/review code/.test(it.prompt) ? '{"ok":true}' : draftReply),
  });
  const client = await orchestrator.connect({ draft: { endpoint: both.url } });
  const result = await client.send(run, request);
  assert.equal(result.kind, "edit");
  assert.ok(result.timing.audit);
  const [first, ...rest] = both.requests;
  assert.ok(first && !/review code/.test(first.prompt));
  assert.ok(rest.length > 0 && rest.every((it) => /review code/.test(it.prompt)));
});

test("as many audited tasks as an endpoint has slots do not wait for each other", async () => {
  await using orchestrator = await startOrchestrator();
  const drafting = Promise.withResolvers<void>();
  let drafts = 0;
  await using both = await startFakeLlama({
    slots: 2,
    reply: (it) => {
      if (/review code/.test(it.prompt)) return '{"ok":true}';
      if (++drafts === 2) drafting.resolve();
      return { text: draftReply, beforePiece: () => drafting.promise };
    },
  });
  const client = await orchestrator.connect({ draft: { endpoint: both.url } });
  const results = await Promise.all([client.send(run, request), client.send(run, request)]);
  for (const result of results) assert.ok(result.timing.audit, result.notices.join("; "));
});

for (const auditWhen of ["always", "never"] as const)
  test(`auditWhen ${auditWhen} is obeyed for a simple task and a complex one`, async () => {
    await using orchestrator = await startOrchestrator();
    await using both = await startFakeLlama({
      reply: (it) =>
        /review code/.test(it.prompt)
          ? '{"ok":true}'
          : /only the comment/.test(it.prompt)
            ? "```ts\n/** Adds. */\n```"
            : draftReply,
    });
    const client = await orchestrator.connect({ draft: { endpoint: both.url }, auditWhen });
    for (const instruction of ["document total", "implement total"]) {
      const result = await client.send(run, { ...request, instruction });
      assert.equal(result.timing.audit !== null, auditWhen === "always", instruction);
    }
  });

async function findingsFor(answer: (prompt: string) => string) {
  const { result } = await runWith(() => startFakeLlama({ reply: (it) => answer(it.prompt) }));
  return result.findings;
}

async function runWith(startAuditor: () => Promise<FakeLlama>) {
  await using orchestrator = await startOrchestrator();
  await using drafter = await startFakeLlama({ reply: () => draftReply });
  await using auditor = await startAuditor();
  const client = await orchestrator.connect({ draft: { endpoint: drafter.url }, audit: { endpoint: auditor.url } });
  return { result: await client.send(run, request) };
}
