import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAtLines } from "../../webview/links.ts";

/** Mentions as `text → path:line-endLine`. */
const cases: { text: string; want: string[] }[] = [
  { text: "see line 12 and Line 3.", want: ["line 12 → 12-12", "Line 3 → 3-3"] },
  {
    text: "lines 12-20, lines 3 to 5, lines 7–9",
    want: ["lines 12-20 → 12-20", "lines 3 to 5 → 3-5", "lines 7–9 → 7-9"],
  },
  { text: "[L12] and [L3-L7] and L40-L41", want: ["[L12] → 12-12", "[L3-L7] → 3-7", "L40-L41 → 40-41"] },
  {
    text: "in src/stats.ts:12 and ./a/b_c.py:3-9",
    want: ["src/stats.ts:12 → src/stats.ts:12-12", "./a/b_c.py:3-9 → ./a/b_c.py:3-9"],
  },
  { text: "lines 9-3", want: ["lines 9-3 → 9-9"] },
  { text: "line 0 is none", want: [] },
  { text: "at 16:30, ratio 3:4, version 1.2:3, http://host.com:8080/x", want: [] },
  { text: "outline 3, deadline 12, HTML5, XL12", want: [] },
  { text: "C:\\work\\a.ts:5", want: ["a.ts:5 → a.ts:5-5"] },
  { text: "line 12.5", want: [] },
  { text: "", want: [] },
];

for (const it of cases)
  test(JSON.stringify(it.text), () => {
    const parts = splitAtLines(it.text);
    assert.equal(parts.map((part) => part.text).join(""), it.text, "nothing is lost");
    const mentions = parts.flatMap((part) =>
      part.kind === "lines" ? [`${part.text} → ${part.path ? `${part.path}:` : ""}${part.line}-${part.endLine}`] : [],
    );
    assert.deepEqual(mentions, it.want);
  });
