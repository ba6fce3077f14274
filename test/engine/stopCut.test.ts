import assert from "node:assert/strict";
import { test } from "node:test";
import { createStopCut } from "../../server/engine/stopCut.ts";

const cases: readonly { name: string; stops: readonly string[]; text: string; want: string; isStopped: boolean }[] = [
  { name: "no stops", stops: [], text: "abc", want: "abc", isStopped: false },
  { name: "an empty stop is none", stops: [""], text: "abc", want: "abc", isStopped: false },
  { name: "a stop in the middle", stops: ["\n}"], text: "a;\n}\nb", want: "a;", isStopped: true },
  { name: "a stop at the start", stops: ["a"], text: "abc", want: "", isStopped: true },
  { name: "a stop at the end", stops: ["```"], text: "x```", want: "x", isStopped: true },
  { name: "the first of several", stops: ["zz", "b", "cd"], text: "abcd", want: "a", isStopped: true },
  {
    name: "a beginning that is not taken further",
    stops: ["</s>"],
    text: "a </sub> b",
    want: "a </sub> b",
    isStopped: false,
  },
  { name: "a beginning at the end of the text", stops: ["\n\n\n"], text: "a\n\n", want: "a\n\n", isStopped: false },
  { name: "a stop that overlaps itself", stops: ["aab"], text: "xaaab", want: "xa", isStopped: true },
  { name: "one stop begins within another", stops: ["abcX", "bc"], text: "_abcd", want: "_a", isStopped: true },
  { name: "characters of two code units", stops: ["🦙"], text: "a🦙b", want: "a", isStopped: true },
];

for (const it of cases)
  test(`stops: ${it.name}`, () => {
    for (const size of [1, 2, 3, 100]) check(it, size);
  });

function check(it: (typeof cases)[number], size: number): void {
  const cut = createStopCut(it.stops);
  let given = "";
  let isStopped = false;
  for (let from = 0; from < it.text.length && !isStopped; from += size) {
    const piece = cut.add(it.text.slice(from, from + size));
    given += piece.text;
    isStopped = piece.isStopped;
    assert.ok(it.want.startsWith(given), `"${given}" leaked in pieces of ${size}`);
  }
  assert.equal(given + (isStopped ? "" : cut.end()), it.want, `in pieces of ${size}`);
  assert.equal(isStopped, it.isStopped);
}
