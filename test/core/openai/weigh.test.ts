import assert from "node:assert/strict";
import { test } from "node:test";
import { weighChat, weighComplete } from "../../../server/core/openai/weigh.ts";
import { ChatParams, CompleteParams } from "../../../server/protocol/openai.ts";

const MOST = 2_000;
const SETTINGS = { maxTokens: MOST, rules: [] };
const code = (lines: number) => ["```ts", ...Array(lines).fill("call();"), "```"].join("\n");

const chats: readonly { name: string; says: readonly string[]; want: readonly [action: string, tier: string] }[] = [
  { name: "a question", says: ["What is a monad?"], want: ["explain", "simple"] },
  { name: "the last request counts", says: ["Implement a parser", "What is a monad?"], want: ["explain", "simple"] },
  { name: "code before what is asked", says: [`${code(9)}\nAdd a docstring`], want: ["docstring", "simple"] },
  {
    name: "words in the code ask for nothing",
    says: ["```\nfix refactor\n```\nExplain this"],
    want: ["explain", "simple"],
  },
  { name: "a lot of code takes the larger model", says: [`Explain this\n${code(200)}`], want: ["explain", "moderate"] },
  { name: "hard work", says: ["Implement a parser for RFC 5545"], want: ["implement", "complex"] },
];

for (const { name, says, want } of chats)
  test(name, () => {
    const messages = says.map((content) => ({ role: "user", content }));
    const { task } = weighChat(ChatParams.parse({ model: "auto", messages }), SETTINGS);
    assert.deepEqual([task.action, task.tier], want);
  });

test("all messages are read, whatever their parts, and no more is written than was asked for", () => {
  const messages = [
    { role: "system", content: "x".repeat(320) },
    { role: "assistant", content: null },
    { role: "user", content: [{ type: "text", text: "y".repeat(320) }, { type: "image_url" }] },
  ];
  const weighed = weighChat(ChatParams.parse({ model: "auto", messages, max_tokens: 50 }), SETTINGS);
  assert.ok(weighed.promptTokens >= 200 && weighed.promptTokens < 210, String(weighed.promptTokens));
  assert.equal(weighed.outputTokens, 50);
  assert.equal(weighChat(ChatParams.parse({ model: "auto", messages }), SETTINGS).outputTokens, MOST);
  assert.equal(
    weighChat(ChatParams.parse({ model: "auto", messages, max_tokens: 9_999 }), SETTINGS).outputTokens,
    MOST,
  );
});

test("text to continue goes to a drafting model; tokens are counted as they are", () => {
  const weigh = (prompt: unknown) => weighComplete(CompleteParams.parse({ model: "auto", prompt }), SETTINGS);
  assert.equal(weigh("a").task.tier, "moderate");
  assert.equal(weigh([1, 2, 3]).promptTokens, 3);
  assert.equal(weigh([[1], [2, 3]]).promptTokens, 3);
  assert.equal(weigh(["x".repeat(32), "y".repeat(32)]).promptTokens, Math.ceil(65 / 3.2));
});
