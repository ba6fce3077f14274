import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_POLICY } from "../../server/core/route/policy.ts";
import { replay } from "../../server/core/route/replay.ts";
import { decisions } from "../../server/protocol/decisions.ts";
import { chat, embeddings, generate, run } from "../../server/protocol/requests.ts";
import { startFakeLlama } from "../fakes/openaiServer.ts";
import { makePlace } from "../journal/place.ts";
import { startOrchestrator } from "./orchestrator.ts";

const document = {
  uri: "file:///total.ts",
  languageId: "typescript",
  text: "export function total(prices: number[]): number {\n  return 0;\n}\n",
};

test("every decision is kept with what it was made from, where it went and what was expected, and is made the same way again", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  await using orchestrator = await startOrchestrator({ journal });
  await using small = await startFakeLlama({ models: ["small"], reply: () => "It returns nothing but zero." });
  await using large = await startFakeLlama({ models: ["large"], reply: () => "It returns nothing but zero." });
  const client = await orchestrator.connect({
    draft: { endpoint: large.url, model: "large" },
    audit: { endpoint: small.url, model: "small" },
  });
  await client.send(run, { action: "explain", instruction: "explain the hunter2 total", document });
  await client.send(chat, { model: "auto", messages: [{ role: "user", content: "Implement a hunter2 parser" }] });
  await client.send(chat, { model: "small", messages: [{ role: "user", content: "Hello" }] });
  await client.send(embeddings, { model: "auto", input: "text" }).catch(() => undefined);

  const kept = (await client.send(decisions, { limit: 10, withInput: true })).decisions.toReversed();
  const [ran, chatted, pinned] = kept;
  assert.ok(ran && chatted && pinned);
  assert.deepEqual([ran.method, ran.action, ran.confidence], [run.method, "explain", 1]);
  assert.deepEqual([chatted.action, chatted.engine, chatted.tier], ["implement", "draft", "complex"]);
  assert.ok((chatted.confidence ?? 0) > 0.5);
  assert.deepEqual([pinned.input, pinned.estimatedMs, pinned.confidence], [undefined, null, null]);
  for (const it of [ran, chatted, pinned]) {
    const host = new URL(it.engine === "draft" ? large.url : small.url).host;
    assert.deepEqual([it.backend, it.address, it.isCloud, it.fallbacks], ["endpoint", host, false, []]);
  }
  for (const { input, estimatedMs, engine, candidates } of [ran, chatted]) {
    assert.ok(input);
    assert.equal(estimatedMs, candidates.find((it) => it.engine === engine)?.cost.totalMs);
    assert.deepEqual(
      input.engines.map((it) => it.id),
      ["draft", "audit"],
    );
    assert.deepEqual([replay(input, DEFAULT_POLICY).isSame, input.chosen.draft], [true, engine]);
  }
  assert.equal(JSON.stringify(kept).includes("hunter2"), false, "no word of any request");
  assert.equal((await client.send(decisions, { id: ran.id })).decisions[0]?.input !== undefined, true);
});

test("a single call is kept too: with what it was made from, to which role it went, and who went on with it", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  await using orchestrator = await startOrchestrator({ journal });
  await using large = await startFakeLlama({ models: ["large"], reply: () => "Yes." });
  await using small = await startFakeLlama({ models: ["small"], reply: () => "No." });
  const client = await orchestrator.connect({
    draft: { endpoint: large.url, model: "large" },
    audit: { endpoint: small.url, model: "small" },
  });
  const heard: string[] = [];
  const onEvent = (it: { kind: string }) => void heard.push(it.kind);
  await client.send(generate, { prompt: "hunter2" }, { onEvent });
  await client.send(generate, { prompt: "hunter2", role: "audit", maxTokens: 7 });
  await large.close();
  await client.send(generate, { prompt: "hunter2" });

  assert.equal(heard[0], "routed");
  const [drafted, audited, moved] = (
    await client.send(decisions, { limit: 10, withInput: true })
  ).decisions.toReversed();
  assert.ok(drafted && audited?.input && moved);
  const told = [drafted, audited, moved].map((it) => [it.method, it.engine, it.tier, it.outcome?.kind]);
  assert.deepEqual(told, [
    [generate.method, "draft", null, "ok"],
    [generate.method, "audit", null, "ok"],
    [generate.method, "draft", null, "ok"],
  ]);
  assert.deepEqual([audited.input.outputTokens, audited.address], [7, new URL(small.url).host]);
  assert.match(audited.why, /^a single call goes to the engine that audits: small on /);
  assert.deepEqual([drafted.fallbacks.length, moved.fallbacks.length], [0, 1]);
  for (const { input, engine, estimatedMs, candidates } of [drafted, audited, moved]) {
    assert.ok(input);
    assert.deepEqual([replay(input, DEFAULT_POLICY).isSame, candidates[0]?.cost.totalMs], [true, estimatedMs]);
    assert.equal(input.chosen.draft, engine);
  }
  assert.equal(JSON.stringify([drafted, audited, moved]).includes("hunter2"), false, "no word of any request");
});

test("a user's rules count for OpenAI's requests too: what they mean, and the model they name", async () => {
  await using orchestrator = await startOrchestrator();
  await using small = await startFakeLlama({ models: ["small"], reply: () => "Yes." });
  await using large = await startFakeLlama({ models: ["large"], reply: () => "Yes." });
  const rules = [
    { pattern: "^ticket \\d+", action: "explain" as const, tier: "complex" as const, model: "small" },
    { pattern: "^story", tier: "complex" as const, model: "elsewhere" },
  ];
  const client = await orchestrator.connect({
    draft: { endpoint: large.url, model: "large" },
    audit: { endpoint: small.url, model: "small" },
    rules,
  });
  const decided = async (model: string, content: string) => {
    const why: string[] = [];
    const messages = [{ role: "user" as const, content }];
    const onEvent = (it: {
      kind: string;
      decision?: { why: string; tier: string | null; model: string; taken: string };
    }) => it.decision && why.push(`${it.decision.model} ${it.decision.tier}: ${it.decision.taken}; ${it.decision.why}`);
    await client.send(chat, { model, messages }, { onEvent: (it) => void onEvent(it) });
    return why.join();
  };
  assert.match(await decided("auto", "ticket 7: what is it?"), /^small complex: your rule "\^ticket \\d\+" matches/);
  assert.match(
    await decided("auto", "story of a parser"),
    /^large complex: .*no engine has "elsewhere", which your rule names/,
  );
  assert.match(await decided("large", "ticket 8: what is it?"), /^large null: /, "who names a model gets it");
});
