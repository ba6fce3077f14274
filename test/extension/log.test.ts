import assert from "node:assert/strict";
import { test } from "node:test";
import { lastWords, readServerLine } from "../../extension/log.ts";

const cases = [
  {
    line: '{"level":"info","time":"2026-01-01","model":"m","ms":12,"msg":"model loaded"}',
    want: { level: "info", text: "model loaded model=m ms=12" },
  },
  { line: '{"level":"warn","msg":"slow","fields":{"a":1}}', want: { level: "warn", text: 'slow fields={"a":1}' } },
  { line: '{"level":50,"msg":"bug"}', want: { level: "error", text: "bug" } },
  { line: '{"level":"fatal","msg":"bug"}', want: { level: "error", text: "bug" } },
  { line: '{"level":"trace","msg":"x"}', want: { level: "debug", text: "x" } },
  { line: "node: bad option: --x", want: { level: "info", text: "node: bad option: --x" } },
  { line: '{"half":', want: { level: "info", text: '{"half":' } },
  { line: '{"msg":"no level"}', want: { level: "info", text: '{"msg":"no level"}' } },
];

for (const it of cases) test(it.line, () => assert.deepEqual(readServerLine(it.line), it.want));

const ends: [string, string][] = [
  ["", ""],
  [
    '{"level":"info","msg":"a"}\n\n{"level":"error","msg":"cannot listen","reason":"EACCES"}\n',
    "a; cannot listen reason=EACCES",
  ],
  ["one\ntwo\n  three\nfour", "two; three; four"],
];
for (const [text, want] of ends) test(`last words ${JSON.stringify(want)}`, () => assert.equal(lastWords(text), want));
