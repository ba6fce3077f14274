import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadChunk } from "../../../server/core/openai/chunkReader.ts";
import { isConfined, recounted, shortened } from "../../../server/core/openai/continued.ts";

const LESS: readonly { name: string; body: object; want: object }[] = [
  { name: "OpenAI's old name", body: { max_tokens: 50 }, want: { max_tokens: 40 } },
  { name: "OpenAI's new name", body: { max_completion_tokens: 50 }, want: { max_completion_tokens: 40 } },
  { name: "llama-server's", body: { n_predict: 50 }, want: { n_predict: 40 } },
  { name: "no limit stays none", body: { n_predict: -1, max_tokens: null }, want: { n_predict: -1, max_tokens: null } },
  { name: "one may always be written", body: { max_tokens: 10 }, want: { max_tokens: 1 } },
  { name: "what must be written, too", body: { min_tokens: 15, top_k: 3 }, want: { min_tokens: 5, top_k: 3 } },
  { name: "and is no debt", body: { min_tokens: 5 }, want: { min_tokens: 0 } },
];
for (const { name, body, want } of LESS)
  test(`10 tokens less: ${name}`, () => assert.deepEqual(shortened({ ...body }, 10), want));

const chunk = (body: Record<string, unknown> | null): ReadChunk => ({ body, json: JSON.stringify(body), text: "" });
const COUNTED: readonly { name: string; usage: unknown; want: unknown }[] = [
  {
    name: "what was there is no prompt any more",
    usage: { prompt_tokens: 30, completion_tokens: 5, total_tokens: 35, more: 1 },
    want: { prompt_tokens: 20, completion_tokens: 15, total_tokens: 35, more: 1 },
  },
  { name: "no count", usage: null, want: null },
  { name: "a strange count", usage: { prompt_tokens: "3" }, want: { prompt_tokens: "3" } },
];
for (const { name, usage, want } of COUNTED)
  test(`counted for the whole answer: ${name}`, () => {
    const told = recounted(chunk({ choices: [], usage }), 10);
    assert.deepEqual(
      [told.body, JSON.parse(told.json)],
      [
        { choices: [], usage: want },
        { choices: [], usage: want },
      ],
    );
  });

test("a chunk like the one before counts nothing", () => {
  const same = chunk(null);
  assert.equal(recounted(same, 10), same);
});

const CONFINED: readonly [object, boolean][] = [
  [{ grammar: "root ::= x" }, true],
  [{ json_schema: {} }, true],
  [{ guided_choice: ["a"] }, true],
  [{ structured_outputs: { regex: "a" } }, true],
  [{ format: "json" }, true],
  [{ grammar: "", format: null, grammar_lazy: true, response_format: { type: "text" }, top_k: 4 }, false],
];
for (const [body, want] of CONFINED)
  test(`${JSON.stringify(body)} confines: ${want}`, () => assert.equal(isConfined({ ...body }), want));
