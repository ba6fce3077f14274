import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompleteEvent, CompleteParams, Completion } from "../../server/protocol/openai.ts";
import { complete } from "../../server/protocol/requests.ts";
import { startLocal } from "./localModels.ts";
import { failureOf } from "./orchestrator.ts";

test("each prompt is continued as it stands, in order, and all are counted together", async () => {
  await using local = await startLocal({
    reply: ({ prompt }) => (prompt.kind === "text" ? `${prompt.text} + b` : "a chat"),
  });
  const model = await local.model("tiny-1b");
  const client = await local.connect({ draft: { model } });
  const result = await client.send(complete, { model: "auto", prompt: ["x", "y"], max_tokens: 9, stop: ["\n"] });
  const body = result.kind === "whole" ? result.body : assert.fail();
  assert.match(body.id ?? "", /^cmpl-/);
  assert.deepEqual(
    [body.object, body.model, body.choices],
    [
      "text_completion",
      model,
      [
        { index: 0, text: "x + b", logprobs: null, finish_reason: "stop" },
        { index: 1, text: "y + b", logprobs: null, finish_reason: "stop" },
      ],
    ],
  );
  assert.deepEqual([body.usage?.prompt_tokens, body.usage?.completion_tokens], [22, 6]);
  assert.deepEqual(
    local.engines.requests.map((it) => [it.maxTokens, it.stop, it.temperature]),
    [
      [9, ["\n"], 1],
      [9, ["\n"], 1],
    ],
  );
});

test("a stream tells which prompt each piece continues, and why each ended", async () => {
  await using local = await startLocal({ reply: () => "a b" });
  const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
  const chunks: Completion[] = [];
  const onEvent = (event: CompleteEvent) => {
    if (event.kind === "chunk") chunks.push(event.chunk);
  };
  await client.send(complete, { model: "auto", prompt: ["x", "y"], stream: true, max_tokens: 1 }, { onEvent });
  assert.deepEqual(
    chunks.map(({ choices }) => [choices?.[0]?.index, choices?.[0]?.text, choices?.[0]?.finish_reason]),
    [
      [0, "a", null],
      [0, "", "length"],
      [1, "a", null],
      [1, "", "length"],
    ],
  );
  assert.ok(chunks.every((it) => it.usage === undefined));
});

const beyond: readonly { param: string; more: Partial<CompleteParams> }[] = [
  { param: "prompt", more: { prompt: [1, 2, 3] } },
  { param: "prompt", more: { prompt: [[1], [2]] } },
  { param: "echo", more: { echo: true } },
  { param: "suffix", more: { suffix: "}" } },
  { param: "best_of", more: { best_of: 3 } },
  { param: "n", more: { n: 2 } },
  { param: "logprobs", more: { logprobs: 5 } },
];

for (const { param, more } of beyond)
  test(`what an embedded engine cannot do is refused by name: ${Object.keys(more)} ${JSON.stringify(more[param])}`, async () => {
    await using local = await startLocal({});
    const client = await local.connect({ draft: { model: await local.model("tiny-1b") } });
    const failure = await failureOf(client.send(complete, { model: "auto", prompt: "x", ...more }));
    assert.deepEqual([failure.code, failure.details?.param], ["bad-request", param]);
    assert.equal(local.engines.requests.length, 0);
  });
