import assert from "node:assert/strict";
import { test } from "node:test";
import { isWriting, reportOf } from "../../../server/core/openai/relayed.ts";

const timings = { cache_n: 4, prompt_n: 6, prompt_ms: 12.5, predicted_n: 3, predicted_ms: 30 };
const usage = {
  prompt_tokens: 10,
  completion_tokens: 3,
  total_tokens: 13,
  prompt_tokens_details: { cached_tokens: 4 },
};
const counted = { promptTokens: 10, cachedTokens: 4, completionTokens: 3 };

const reports: readonly { name: string; answer: Record<string, unknown>; want: ReturnType<typeof reportOf> }[] = [
  { name: "llama-server's", answer: { usage, timings }, want: { ...counted, prefillMs: 12.5, decodeMs: 30 } },
  { name: "without usage", answer: { timings }, want: { ...counted, prefillMs: 12.5, decodeMs: 30 } },
  { name: "any server's", answer: { usage }, want: { ...counted, prefillMs: null, decodeMs: null } },
  { name: "none", answer: { choices: [] }, want: null },
  { name: "an empty one", answer: { usage: null }, want: null },
  { name: "nonsense", answer: { usage: { prompt_tokens: "ten" }, timings: [7] }, want: null },
  {
    name: "more in the cache than there is",
    answer: { usage: { ...usage, prompt_tokens: 2 } },
    want: { promptTokens: 2, cachedTokens: 2, completionTokens: 3, prefillMs: null, decodeMs: null },
  },
];

for (const { name, answer, want } of reports) test(`numbers: ${name}`, () => assert.deepEqual(reportOf(answer), want));

const chunks: readonly { name: string; chunk: Record<string, unknown>; want: boolean }[] = [
  { name: "the role alone", chunk: { choices: [{ delta: { role: "assistant", content: null } }] }, want: false },
  { name: "text", chunk: { choices: [{ delta: { content: "a" } }] }, want: true },
  { name: "a thought", chunk: { choices: [{ delta: { reasoning_content: "hm" } }] }, want: true },
  { name: "a part of a call", chunk: { choices: [{ delta: { tool_calls: [{ index: 0 }] } }] }, want: true },
  { name: "a completion's text", chunk: { choices: [{ text: "a" }] }, want: true },
  { name: "the reason", chunk: { choices: [{ delta: {}, finish_reason: "stop" }] }, want: false },
  { name: "the usage", chunk: { choices: [], usage }, want: false },
  { name: "nonsense", chunk: { choices: [null, 7] }, want: false },
];

for (const { name, chunk, want } of chunks) test(`a chunk with ${name}`, () => assert.equal(isWriting(chunk), want));
