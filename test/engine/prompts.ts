import assert from "node:assert/strict";
import type { Heard } from "../backends/ask.ts";

/** The beginning of a function that even the smallest model completes. */
export const ADD = "/** Adds two numbers. */\nexport function add(a: number, b: number): number {\n";

/** Some 500 tokens of code: seconds to read on one thread. */
export const LONG_PROMPT = Array.from(
  { length: 14 },
  (_, at) => `export function step${at}(value: number): number {\n  return value * ${at} + ${at % 7};\n}\n`,
).join("\n");

/** What every engine owes: pieces that make up the text, a body that is one, counts that fit together. */
export function isCode({ text, pieces, done }: Heard): void {
  assert.equal(pieces.join(""), text);
  assert.equal(pieces.includes(""), false);
  assert.match(text, /^\s*return a \+ b;?\s*$/);
  assert.equal(done.finish, "stop");
  assert.ok(done.promptTokens > done.cachedTokens);
  assert.ok(done.completionTokens >= pieces.length && done.completionTokens <= 24);
  assert.ok(done.prefillMs > 0 && done.decodeMs > 0);
}
