import assert from "node:assert/strict";
import { test } from "node:test";
import { lineAt, offsetAt, place, shrink, splice } from "../../../extension/edit/anchor.ts";
import type { Position } from "../../../server/protocol/source.ts";

const BASE = "// top\nfunction a() {\n  return 1;\n}\n\nfunction b() {\n  return 2;\n}\n";
const A = "function a() {\n  return 1;\n}";
const rewriteA = { range: range(1, 0, 3, 1), before: A, after: "function a() {\n  return 3;\n}" };
const commentB = { range: range(5, 0, 5, 0), before: "", after: "/** b */\n" };

const cases: { name: string; edits: (typeof rewriteA)[]; base?: string; text: string; want: string | null }[] = [
  { name: "the text as it was", edits: [rewriteA], text: BASE, want: BASE.replace("1", "3") },
  {
    name: "two edits, given in any order",
    edits: [commentB, rewriteA],
    text: BASE,
    want: BASE.replace("1", "3").replace("function b", "/** b */\nfunction b"),
  },
  { name: "changed below", edits: [rewriteA], text: `${BASE}// more\n`, want: `${BASE.replace("1", "3")}// more\n` },
  {
    name: "moved down by lines above",
    edits: [rewriteA],
    text: `// new\n${BASE}`,
    want: `// new\n${BASE.replace("1", "3")}`,
  },
  { name: "changed itself", edits: [rewriteA], text: BASE.replace("return 1", "return 9"), want: null },
  { name: "gone", edits: [rewriteA], text: "", want: null },
  { name: "moved, and there twice", edits: [rewriteA], text: `// new\n${BASE}${A}\n`, want: null },
  {
    name: "in place, and a copy elsewhere",
    edits: [rewriteA],
    text: `${BASE}${A}\n`,
    want: `${BASE.replace("1", "3")}${A}\n`,
  },
  {
    name: "an insertion moves with the lines around it",
    edits: [commentB],
    text: `// new\n${BASE}`,
    want: `// new\n${BASE.replace("function b", "/** b */\nfunction b")}`,
  },
  {
    name: "an insertion whose surroundings changed",
    edits: [commentB],
    text: BASE.replace("function b()", "function bb()"),
    want: null,
  },
  {
    name: "an insertion whose surroundings are there twice",
    edits: [commentB],
    text: `// new\n${BASE}${BASE}`,
    want: null,
  },
  {
    name: "an insertion into an empty file",
    edits: [{ ...commentB, range: range(0, 0, 0, 0) }],
    base: "",
    text: "",
    want: "/** b */\n",
  },
  {
    name: "an insertion into an empty file that has text by now",
    edits: [{ ...commentB, range: range(0, 0, 0, 0) }],
    base: "",
    text: "x\n",
    want: null,
  },
  {
    name: "blank text that is replaced is not looked for elsewhere",
    edits: [{ range: range(3, 1, 5, 0), before: "\n\n", after: "\n\n\n" }],
    text: `\n\n\n${BASE}`,
    want: `\n\n\n${BASE.replace("}\n\nf", "}\n\n\nf")}`,
  },
  {
    name: "edits that overlap",
    edits: [rewriteA, { range: range(2, 0, 2, 11), before: "  return 1;", after: "" }],
    text: BASE,
    want: null,
  },
  {
    name: "a range that does not hold what it should",
    edits: [{ ...rewriteA, before: "something else" }],
    text: BASE,
    want: null,
  },
  {
    name: "carriage returns stay",
    edits: [{ range: range(1, 0, 1, 1), before: "b", after: "c" }],
    base: "a\r\nb\r\n",
    text: "a\r\nb\r\n",
    want: "a\r\nc\r\n",
  },
];

for (const it of cases)
  test(it.name, () => {
    const splices = place(it.edits, it.base ?? BASE, it.text);
    assert.equal(splices && splice(it.text, splices), it.want);
  });

const shrinks = [
  {
    name: "equal lines at both ends are left alone",
    before: "a\nb\nc\n",
    after: "a\nX\nc\n",
    want: { start: 2, end: 4, text: "X\n" },
  },
  { name: "a line put in", before: "a\nc\n", after: "a\nb\nc\n", want: { start: 2, end: 2, text: "b\n" } },
  { name: "a line taken out", before: "a\nb\nc\n", after: "a\nc\n", want: { start: 2, end: 4, text: "" } },
  {
    name: "repeated lines do not overlap",
    before: "a\na\n",
    after: "a\na\na\n",
    want: { start: 4, end: 4, text: "a\n" },
  },
  { name: "nothing in common", before: "a", after: "b", want: { start: 0, end: 1, text: "b" } },
  { name: "no change", before: "a\nb\n", after: "a\nb\n", want: { start: 4, end: 4, text: "" } },
];

for (const it of shrinks)
  test(it.name, () => {
    const small = shrink(it.before, { start: 0, end: it.before.length, text: it.after });
    assert.deepEqual(small, it.want);
    assert.equal(splice(it.before, [small]), it.after);
  });

const offsets: { text: string; at: Position; want: number }[] = [
  { text: "ab\ncd", at: { line: 1, character: 1 }, want: 4 },
  { text: "ab\r\ncd", at: { line: 0, character: 9 }, want: 2 },
  { text: "ab\r\ncd", at: { line: 1, character: 0 }, want: 4 },
  { text: "ab", at: { line: 7, character: 0 }, want: 2 },
  { text: "", at: { line: 0, character: 0 }, want: 0 },
  { text: "é😀x", at: { line: 0, character: 3 }, want: 3 },
];
for (const it of offsets)
  test(`offset of ${JSON.stringify(it)}`, () => assert.equal(offsetAt(it.text, it.at), it.want));

for (const [offset, want] of [
  [0, 0],
  [1, 0],
  [2, 1],
  [4, 2],
] as const)
  test(`line at ${offset}`, () => assert.equal(lineAt("a\nb\nc", offset), want));

function range(startLine: number, startCharacter: number, endLine: number, endCharacter: number) {
  return { start: { line: startLine, character: startCharacter }, end: { line: endLine, character: endCharacter } };
}
