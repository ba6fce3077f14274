import assert from "node:assert/strict";
import { test } from "node:test";
import { lexisOf } from "../../server/core/brackets.ts";
import { createCutter, MOST_LINES, type Part } from "../../server/core/cut.ts";
import { languageFacts } from "../../server/core/language.ts";

/** Taken as soon as there is a natural place to cut after at least so many lines. */
function cut(text: string, { language = "typescript", size = text.length, leastLines = 3 } = {}): Part[] {
  const cutter = createCutter(lexisOf(languageFacts(language)));
  const parts: Part[] = [];
  for (let at = 0; at < text.length; at += Math.max(1, size))
    for (const piece of text.slice(at, at + size).split(/(?<=\n)/)) {
      cutter.push(piece);
      const { natural, most } = cutter.held;
      if (natural && natural.lines >= leastLines) parts.push(cutter.take(natural.lines));
      else if (most && most.lines >= MOST_LINES) parts.push(cutter.take(most.lines));
    }
  cutter.finish();
  const { most } = cutter.held;
  return most ? [...parts, cutter.take(most.lines)] : parts;
}

const BLOCK = "if (a) {\n  b();\n}\n";

/** The first and last lines of the parts. */
const CASES: readonly { name: string; text: string; language?: string; want: readonly string[] }[] = [
  { name: "nothing", text: "", want: [] },
  { name: "only blank lines", text: "\n\n", want: [] },
  { name: "one line without a break", text: "a();", want: ["1-1"] },
  { name: "whole blocks", text: BLOCK + BLOCK, want: ["1-3", "4-6"] },
  { name: "a block is not cut while it is open", text: `f(() => {\n  a();\n  b();\n  c();\n});\n`, want: ["1-5"] },
  { name: "but at a blank line inside it", text: "f(() => {\n  a();\n\n  b();\n  c();\n});\n", want: ["1-3", "4-6"] },
  { name: "not inside a template", text: "a = `\nx\n\ny`;\nb();\n", want: ["1-4", "5-5"] },
  { name: "brackets in strings do not count", text: "a('{');\nb();\nc();\nd();\n", want: ["1-3", "4-4"] },
  { name: "more closed than opened", text: "a();\n});\nb();\nc();\n", want: ["1-3", "4-4"] },
  { name: "what grows too long is cut anywhere", text: "f(\n".repeat(70), want: ["1-64", "65-70"] },
  { name: "Windows line breaks", text: (BLOCK + BLOCK).replaceAll("\n", "\r\n"), want: ["1-3", "4-6"] },
  { name: "Python", text: "a = 1\nb = [\n]\nc = 2\n", language: "python", want: ["1-3", "4-4"] },
];

function check({ name, text, language, want }: (typeof CASES)[number]): void {
  test(name, () => {
    const parts = cut(text, language ? { language } : {});
    assert.deepEqual(
      parts.map((it) => `${it.fromLine}-${it.toLine}`),
      want,
    );
    assert.deepEqual(
      parts.map((it) => it.number),
      want.map((_, at) => at + 1),
    );
    const lines = text.split("\n");
    for (const it of parts) assert.equal(it.text, lines.slice(it.fromLine - 1, it.toLine).join("\n"));
    for (const size of [1, 2, 7]) assert.deepEqual(cut(text, { ...(language ? { language } : {}), size }), parts);
  });
}
for (const it of CASES) check(it);
