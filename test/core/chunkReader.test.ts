import assert from "node:assert/strict";
import { test } from "node:test";
import { createChunkReader } from "../../server/core/openai/chunkReader.ts";

type Chunk = (text: string) => string;
const HEAD = {
  id: "chatcmpl-1",
  created: 1,
  model: "served",
  system_fingerprint: "b1",
  object: "chat.completion.chunk",
};

/** As each server writes a chunk: which fields there are, in which order, with which spaces. */
const shapes: readonly (readonly [name: string, chunk: Chunk])[] = [
  [
    "llama-server",
    (content) => JSON.stringify({ choices: [{ finish_reason: null, index: 0, delta: { content } }], ...HEAD }),
  ],
  [
    "vLLM",
    (content) =>
      JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { content }, logprobs: null, finish_reason: null }] }),
  ],
  [
    "Ollama",
    (content) =>
      JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] }),
  ],
  [
    "OpenAI with usage",
    (content) =>
      JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null }),
  ],
  [
    "completions",
    (text) => JSON.stringify({ ...HEAD, choices: [{ index: 0, text, logprobs: null, finish_reason: null }] }),
  ],
  [
    "Python's spaces",
    (content) => JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { content } }] }, null, 1).replaceAll("\n", ""),
  ],
  ["line breaks", (content) => JSON.stringify({ ...HEAD, choices: [{ index: 0, delta: { content } }] }, null, 2)],
  [
    "the key in other places",
    (content) =>
      JSON.stringify({
        content: "content",
        x: { content },
        choices: [{ delta: { content }, content: "no" }],
        model: "served",
      }),
  ],
  ["no model", (content) => JSON.stringify({ choices: [{ delta: { content } }] })],
];
const texts = [
  "a",
  " b",
  '"',
  "\\",
  '\\"',
  '"content":"',
  "\n",
  "é🦙",
  "\u2028",
  "\u0001tandem\u0001",
  "}]}",
  "",
  "x",
  "\ud83e",
];

for (const [name, chunk] of shapes)
  for (const asked of ["mine", "served", null])
    test(`${name}, as ${asked}: what goes out is what came, under that name, on one line`, () => {
      const read = createChunkReader(asked);
      for (const text of [...texts, ...texts.toReversed(), ...texts]) {
        const given = chunk(text);
        const got = read(given);
        assert.ok(got);
        const want = JSON.parse(given);
        if (asked !== null) want.model = asked;
        assert.deepEqual(JSON.parse(got.json), want);
        assert.doesNotMatch(got.json, /[\r\n]/);
        assert.equal(got.text, text);
        if (got.body) assert.deepEqual(got.body, want);
        else assert.notEqual(text, "");
      }
    });

test("chunks that differ in their text alone are not parsed", () => {
  for (const [name, chunk] of shapes.filter(([it]) => it !== "the key in other places")) {
    const read = createChunkReader("mine");
    read(chunk("first"));
    for (const text of ["a", " b", '"', "\n", "é"]) assert.equal(read(chunk(text))?.body, null, name);
  }
});

const odd: readonly (readonly [name: string, first: object, second: object])[] = [
  ["an end", choice({ delta: { content: "a" } }), choice({ delta: { content: "a" }, finish_reason: "stop" })],
  ["another choice", choice({ index: 0, delta: { content: "a" } }), choice({ index: 1, delta: { content: "a" } })],
  [
    "a count",
    choice({ delta: { content: "a" } }),
    { ...choice({ delta: { content: "b" } }), usage: { prompt_tokens: 1 } },
  ],
  ["an error", choice({ delta: { content: "a" } }), { error: { message: "no" } }],
  ["two choices", { choices: [text("a"), text("b")] }, { choices: [text("a"), text("c")] }],
  [
    "a call of a tool",
    choice({ delta: { tool_calls: [{ index: 0 }] } }),
    choice({ delta: { tool_calls: [{ index: 1 }] } }),
  ],
  [
    "text and thought",
    choice({ delta: { content: "a", reasoning_content: "b" } }),
    choice({ delta: { content: "c", reasoning_content: "b" } }),
  ],
  ["an empty text", choice({ delta: { content: "a" } }), choice({ delta: { content: "" } })],
  ["what only looks the same", choice({ delta: { content: "a" } }), choice({ delta: { content: "a" }, more: "b" })],
];
for (const [name, first, second] of odd)
  test(`${name} is parsed`, () => {
    const read = createChunkReader(null);
    read(JSON.stringify(first));
    assert.deepEqual(read(JSON.stringify(second))?.body, second);
  });

test("a text that breaks out of its place is parsed as what it is", () => {
  const read = createChunkReader(null);
  const [before, behind] = JSON.stringify(choice({ delta: { content: "HERE" } })).split("HERE");
  for (const inner of ['a"},"finish_reason":"stop","x":{"y":"b', "a\\", "a\n"]) {
    read(`${before}first${behind}`);
    const json = `${before}${inner}${behind}`;
    const got = read(json);
    let want: unknown = null;
    try {
      want = JSON.parse(json);
    } catch {}
    assert.deepEqual(got?.body ?? null, want);
  }
});

test("thoughts are no text", () => {
  const read = createChunkReader(null);
  const thought = (reasoning_content: string) =>
    JSON.stringify(choice({ delta: { content: null, reasoning_content } }));
  assert.equal(read(thought("hm"))?.text, "");
  assert.deepEqual(read(thought("so"))?.body, null);
  assert.equal(read(thought("so"))?.text, "");
});

for (const json of ["", "null", "[]", "1", '"a"', "{", "[DONE]"])
  test(`${JSON.stringify(json)} is no chunk`, () => assert.equal(createChunkReader("mine")(json), null));

function choice(it: object): object {
  return { choices: [it] };
}

function text(content: string): object {
  return { delta: { content } };
}
