import assert from "node:assert/strict";
import { test } from "node:test";
import { beginningOf, createThinkingFilter } from "../../server/backends/thinking.ts";

const cases: readonly { name: string; text: string; want: string; model?: string }[] = [
  { name: "no thoughts", text: "const a = 1;\n", want: "const a = 1;\n" },
  { name: "thoughts first", text: "<think>\nhm, a <b> tag\n</think>\n\nconst a = 1;", want: "const a = 1;" },
  { name: "white space before", text: "\n <think>hm</think>x", want: "x" },
  { name: "white space before text stays", text: "  x", want: "  x" },
  { name: "only thoughts", text: "<think>never ends", want: "" },
  { name: "empty thoughts", text: "<think></think>ok", want: "ok" },
  { name: "code about the tag", text: 'const open = "<think>";', want: 'const open = "<think>";' },
  { name: "an answer that begins like the tag", text: "<thing/>", want: "<thing/>" },
  { name: "an answer that is the tag's beginning", text: "<thi", want: "<thi" },
  { name: "an end without a beginning", text: "</think>\n\nconst a = 1;", want: "const a = 1;" },
  { name: "an end that never becomes one", text: "</thin", want: "</thin" },
  { name: "code that closes a tag later", text: "x\n</think>\ny", want: "x\n</think>\ny" },
  {
    name: "thoughts the template began",
    text: "Hm.\n```ts\nno\n```\n</think>\nyes",
    model: "DeepSeek-R1-Distill-Qwen-7B",
    want: "yes",
  },
  { name: "a thinker who did not think", text: "yes", model: "deepseek-r1:14b", want: "yes" },
  { name: "a thinker with both tags", text: "<think>a</think>b</think>", model: "QwQ-32B", want: "b</think>" },
  { name: "a thinker who never ends", text: "<think>a", model: "qwq", want: "" },
  { name: "names that only look so", text: "a</think>b", model: "qwr12-coder", want: "a</think>b" },
  { name: "a second block stays", text: "<think>a</think>b<think>c</think>", want: "b<think>c</think>" },
];

for (const it of cases)
  test(`thoughts: ${it.name}`, () => {
    for (const size of [1, 3, 8, 1_000]) {
      const filter = createThinkingFilter(beginningOf(it.model ?? "coder"));
      let text = "";
      for (let from = 0; from < it.text.length; from += size) text += filter.add(it.text.slice(from, from + size));
      assert.equal(text + filter.end(), it.want, `in pieces of ${size}`);
    }
  });

test("thoughts: where the server tells them itself, the answer is not held back", () => {
  const filter = createThinkingFilter(beginningOf("qwq"));
  filter.servedApart();
  assert.equal(filter.add("const a"), "const a");
  assert.equal(filter.end(), "");
});
