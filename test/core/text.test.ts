import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beforeIndent,
  indentUnitOf,
  lineBreakOf,
  offsetAt,
  positionAt,
  slice,
  splice,
  trim,
  withBreaks,
} from "../../server/core/text.ts";

const MIXED = "ab\r\n😀c\n\n\tx";

const POSITIONS: readonly (readonly [line: number, character: number, offset: number])[] = [
  [0, 0, 0],
  [0, 2, 2],
  [0, 3, 3],
  [0, 99, 3],
  [1, 0, 4],
  [1, 2, 6],
  [1, 3, 7],
  [1, 99, 7],
  [2, 0, 8],
  [2, 5, 8],
  [3, 2, 11],
  [3, 99, 11],
  [4, 0, 11],
  [99, 99, 11],
];
for (const [line, character, offset] of POSITIONS)
  test(`position ${line}:${character} is offset ${offset}`, () =>
    assert.equal(offsetAt(MIXED, { line, character }), offset));

test("every offset has a position that leads back to it; beyond the ends it is clamped", () => {
  for (let offset = 0; offset <= MIXED.length; offset++)
    assert.equal(offsetAt(MIXED, positionAt(MIXED, offset)), offset);
  assert.deepEqual(positionAt(MIXED, 999), { line: 3, character: 2 });
  assert.deepEqual(positionAt(MIXED, -5), { line: 0, character: 0 });
  assert.deepEqual(positionAt("", 3), { line: 0, character: 0 });
});

test("a slice put back changes nothing, wherever it is", () => {
  for (let from = 0; from <= MIXED.length; from++) {
    for (let to = from; to <= MIXED.length; to++) {
      const range = { start: positionAt(MIXED, from), end: positionAt(MIXED, to) };
      assert.equal(slice(MIXED, range), MIXED.slice(from, to));
      assert.equal(splice(MIXED, range, slice(MIXED, range)), MIXED);
      assert.equal(splice(MIXED, range, "$&"), `${MIXED.slice(0, from)}$&${MIXED.slice(to)}`);
    }
  }
});

const TRIMMED: readonly (readonly [text: string, want: string])[] = [
  ["  a b \n", "a b"],
  ["\r\n\r\n  x\r\n}\r\n", "x\r\n}"],
  [" \n\t ", ""],
  ["", ""],
];
for (const [text, want] of TRIMMED)
  test(`trim ${JSON.stringify(text)}`, () => {
    const whole = { start: { line: 0, character: 0 }, end: positionAt(text, text.length) };
    assert.equal(slice(text, trim(text, whole)), want);
  });

const UNITS: readonly (readonly [text: string, want: string])[] = [
  ["a\n    b\n        c", "    "],
  ["a\n  b\n    c", "  "],
  ["a\n\tb", "\t"],
  ["/**\n * doc\n */\nfunction a() {\n    b\n}", "    "],
  ["a\n   \n        b", "        "],
  ["a\n b", "none"],
  ["", "none"],
  ["a\r\n  b\r\n", "  "],
];
for (const [text, want] of UNITS)
  test(`indentation of ${JSON.stringify(text)}`, () => assert.equal(indentUnitOf(text, "none"), want));

test("the first line break is the text's own, and a text takes on either", () => {
  const found = ["a", "a\nb\r\n", "a\r\nb\n", "\nb", "\r\n", "a\rb"].map(lineBreakOf);
  assert.deepEqual(found, ["\n", "\n", "\r\n", "\n", "\r\n", "\n"]);
  assert.equal(withBreaks("a\nb\r\nc", "\r\n"), "a\r\nb\r\nc");
  assert.equal(withBreaks("a\nb", "\n"), "a\nb");
});

test("only indentation is stepped over", () => {
  const at = (text: string, character: number) => beforeIndent(text, { line: 0, character }).character;
  assert.deepEqual([at("  \tx", 3), at("a; x", 3), at("\uFEFFx", 1), at("x", 0)], [0, 3, 1, 0]);
});
