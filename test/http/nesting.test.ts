import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeeper } from "../../server/transport/http/nesting.ts";

const cases: readonly { name: string; json: string; most: number; want: boolean }[] = [
  { name: "flat", json: '{"a":1}', most: 1, want: false },
  { name: "as deep as allowed", json: "[[[]]]", most: 3, want: false },
  { name: "one deeper", json: "[[[]]]", most: 2, want: true },
  { name: "objects and arrays count alike", json: '{"a":[{"b":[]}]}', most: 3, want: true },
  { name: "beside each other is not deep", json: "[[],[],[],[]]", most: 2, want: false },
  { name: "brackets in a text", json: '{"a":"[[[[{{{{"}', most: 1, want: false },
  { name: "an escaped quote does not end a text", json: '{"a":"\\"[[[["}', most: 1, want: false },
  { name: "an escaped backslash does not escape the quote", json: '{"a":"\\\\","b":[[]]}', most: 2, want: true },
  { name: "text beyond ASCII", json: '{"ü":"日本[[[","b":[]}', most: 2, want: false },
  { name: "what is no JSON", json: '"unfinished [[[[', most: 1, want: false },
  { name: "nothing", json: "", most: 0, want: false },
];
for (const it of cases) test(it.name, () => assert.equal(isDeeper(Buffer.from(it.json), it.most), it.want));

test("a million levels are seen without a stack to hold them", () => {
  assert.equal(isDeeper(Buffer.alloc(1_000_000, "["), 64), true);
});
