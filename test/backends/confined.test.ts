import assert from "node:assert/strict";
import { test } from "node:test";
import { type Dialect, wireRequest } from "../../server/backends/wireBody.ts";
import { VERDICT_SHAPE } from "../../server/core/prompts/verdict.ts";
import { chatRequest } from "./ask.ts";

const OFF = { chat_template_kwargs: { enable_thinking: false } };

/** What each server is told of thoughts where the answer is confined to a shape. */
const DIALECTS: readonly (readonly [Dialect, object])[] = [
  ["llama-server", { ...OFF, reasoning_format: "none" }],
  ["vllm", OFF],
  ["openai", {}],
];

for (const [dialect, want] of DIALECTS)
  test(`${dialect}: a verdict is asked for without thoughts, and free text as the model likes`, () => {
    const about = ({ body }: ReturnType<typeof wireRequest>) =>
      Object.fromEntries(Object.entries(body).filter(([key]) => /^(chat_template_kwargs|reasoning_format)$/.test(key)));
    const server = { dialect, modelName: "m", without: new Set<never>() };
    assert.deepEqual(about(wireRequest(chatRequest("x", { shape: VERDICT_SHAPE }), server)), want);
    assert.deepEqual(about(wireRequest(chatRequest("x"), server)), {});
  });
