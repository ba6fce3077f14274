import assert from "node:assert/strict";
import { test } from "node:test";
import { scrubbed, withoutPlaces } from "../../server/journal/scrub.ts";

const cases = [
  { text: "file:/home/me/models/coder.gguf", want: "coder.gguf" },
  { text: "file:/home/me/My Models/coder 7b.gguf on cuda:0", want: "coder 7b.gguf on cuda:0" },
  { text: "file:~/models/coder", want: "coder" },
  { text: "file:C:\\Users\\me\\models\\coder.gguf", want: "coder.gguf" },
  { text: "file:///srv/models/a/coder.GGUF, then file:b.gguf", want: "coder.GGUF, then b.gguf" },
  { text: "/srv/models/coder.gguf was not there", want: "coder.gguf was not there" },
  { text: "C:\\models\\me\\coder.gguf", want: "coder.gguf" },
  { text: "~/models/coder.gguf", want: "coder.gguf" },
  { text: 'it reads "/home/me/src/secret.ts"', want: 'it reads "secret.ts"' },
  { text: "http://127.0.0.1:8080/v1/models", want: "http://127.0.0.1:8080/v1/models" },
  { text: "https://me:word@host/v1/chat", want: "https://host/v1/chat" },
  { text: "openai/gpt-oss-20b and meta/llama/3", want: "openai/gpt-oss-20b and meta/llama/3" },
  { text: "tandem/openai/chat", want: "tandem/openai/chat" },
  { text: "and/or, 3/4, a / b / c", want: "and/or, 3/4, a / b / c" },
  {
    text: "the 1.5 B draft on cuda:0 (queue 0 ms, load 900 ms)",
    want: "the 1.5 B draft on cuda:0 (queue 0 ms, load 900 ms)",
  },
];

for (const { text, want } of cases) test(`${text} -> ${want}`, () => assert.equal(withoutPlaces(text), want));

test("every text in a value, however deep; nothing else changes", () =>
  assert.deepEqual(scrubbed({ a: ["/home/me/x", { b: "/home/me/y", c: null }], d: 1.5, e: true }), {
    a: ["x", { b: "y", c: null }],
    d: 1.5,
    e: true,
  }));
