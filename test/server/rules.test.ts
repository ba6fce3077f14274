import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../server/protocol/requests.ts";
import type { RunEvent } from "../../server/protocol/run.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { startOrchestrator } from "./orchestrator.ts";

const document = {
  uri: "file:///total.ts",
  languageId: "typescript",
  text: "export function total(prices: number[]): number {\n  return 0;\n}\n",
};

test("a client's rules decide action, tier and model, and every event says that they did", async () => {
  await using orchestrator = await startOrchestrator();
  await using small = await startFakeLlama({ models: ["small"], reply: () => "It returns nothing but zero." });
  await using large = await startFakeLlama({ models: ["large"], reply: () => "It returns nothing but zero." });
  const rules = [
    { pattern: "^ticket \\d+", action: "explain" as const, tier: "complex" as const, model: "small" },
    { pattern: "^story", action: "explain" as const, model: "elsewhere" },
  ];
  const client = await orchestrator.connect({
    draft: { endpoint: large.url, model: "large" },
    audit: { endpoint: small.url, model: "small" },
    rules,
  });
  const asked = async (instruction: string) => {
    const events: RunEvent[] = [];
    await client.send(run, { instruction, document }, { onEvent: (it) => void events.push(it) });
    const classified = events.find((it) => it.kind === "classified");
    const routed = events.find((it) => it.kind === "routed");
    return { classified, routed };
  };

  const ticket = await asked("ticket 7: fix total");
  assert.deepEqual([ticket.classified?.action, ticket.classified?.tier], ["explain", "complex"]);
  assert.match(ticket.classified?.why ?? "", /your rule "\^ticket \\d\+" matches/);
  assert.deepEqual([small.requests.length, large.requests.length], [1, 0], "the model that the rule names");

  const story = await asked("story about total");
  assert.match(story.routed?.why ?? "", /no engine has "elsewhere", which your rule names/);
  assert.equal(small.requests.length + large.requests.length, 2, "it is done all the same");
});
