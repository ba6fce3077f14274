import assert from "node:assert/strict";
import { test } from "node:test";
import { chat, run, status } from "../../server/protocol/requests.ts";
import type { RunParams } from "../../server/protocol/run.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

const CODE = "export function add(a: number, b: number): number {\n  return 0;\n}\n";
const FIXED = "```ts\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n```";

/** Who was asked for text: the model for drafts, that for simple work, that for all other. */
const cases: { name: string; isSet: { low?: true; high?: true }; action: RunParams["action"]; asked: string }[] = [
  { name: "simple work goes to low", isSet: { low: true, high: true }, action: "explain", asked: "low" },
  { name: "all other goes to high", isSet: { low: true, high: true }, action: "fix", asked: "high" },
  { name: "without low, simple work is done as ever", isSet: { high: true }, action: "explain", asked: "draft" },
  { name: "without high, all other is done as ever", isSet: { low: true }, action: "fix", asked: "draft" },
];
for (const it of cases)
  test(`quality tiers: ${it.name}`, async () => {
    await using orchestrator = await startOrchestrator();
    await using draft = await startFakeLlama({ models: ["d"], reply: () => FIXED });
    await using low = await startFakeLlama({ models: ["l"], reply: () => FIXED });
    await using high = await startFakeLlama({ models: ["h"], reply: () => FIXED });
    const client = await orchestrator.connect({
      draft: { endpoint: draft.url },
      ...(it.isSet.low ? { low: { endpoint: low.url } } : {}),
      ...(it.isSet.high ? { high: { endpoint: high.url } } : {}),
      auditWhen: "never",
    });
    const document = { uri: "file:///w/a.ts", languageId: "typescript", version: 1, text: CODE };
    const { cloud } = await client.send(run, { action: it.action, instruction: "add gives 0", document } as RunParams);
    const asked = Object.entries({ draft, low, high }).flatMap(([name, server]) =>
      server.requests.length > 0 ? [name] : [],
    );
    assert.deepEqual([asked, cloud], [[it.asked], null]);
  });

test("a chat goes by its tier too, and who does which work is told", async () => {
  await using orchestrator = await startOrchestrator();
  await using low = await startFakeLlama({ models: ["l"], reply: () => "A burrito." });
  await using high = await startFakeLlama({ models: ["h"], reply: () => "A parser." });
  const client = await orchestrator.connect({
    draft: { endpoint: high.url, model: "h" },
    low: { endpoint: low.url, model: "l" },
    high: { endpoint: high.url, model: "h" },
  });
  const say = (content: string) => client.send(chat, { model: "auto", messages: [{ role: "user" as const, content }] });
  await say("What is a monad?");
  assert.deepEqual([low.requests.length, high.requests.length], [1, 0]);
  await say("Implement a parser for RFC 5545 recurrence rules");
  assert.deepEqual([low.requests.length, high.requests.length], [1, 1]);
  const { engines } = await client.send(status, {});
  assert.deepEqual(
    engines.map((it) => it.roles.join("+")),
    ["draft+audit+high+embed", "low"],
  );
});
