import assert from "node:assert/strict";
import { test } from "node:test";
import { createThinkingFilter } from "../../server/core/thinking.ts";

const CASES: readonly (readonly [raw: string, want: string])[] = [
  ["plain", "plain"],
  ["", ""],
  ["<think>a</think>b", "b"],
  ["<think>\nwhy < 3 </thin no\n</think>\n\ncode", "\n\ncode"],
  ["a<think>b</think>c<think>d</think>e", "ace"],
  ["<think>never ends", ""],
  ["a < b && <thin", "a < b && <thin"],
  ["<thinking>", "<thinking>"],
];

function filter(raw: string, size: number): string {
  const it = createThinkingFilter();
  let out = "";
  for (let at = 0; at < raw.length; at += size) out += it.push(raw.slice(at, at + size));
  return out + it.finish();
}

for (const [raw, want] of CASES)
  test(`thoughts are no answer: ${JSON.stringify(raw)}`, () => {
    for (const size of [1, 2, 3, 6, 7, 100]) assert.equal(filter(raw, size), want, `pieces of ${size}`);
  });
