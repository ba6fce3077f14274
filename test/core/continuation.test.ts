import assert from "node:assert/strict";
import { test } from "node:test";
import { askedToContinue, createContinuation } from "../../server/core/continuation.ts";

const CODE = `export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sum = values.reduce((total, value) => total + value, 0);
  return sum / values.length;
}

export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted[middle] ?? null;
}
`;
const at = (text: string) => CODE.indexOf(text);

/** What comes of it when the model's text arrives in pieces of that length; null: it began anew. */
function continued(before: string, said: string, pieceChars = 3): string | null {
  const continuation = createContinuation(before);
  let text = "";
  for (let from = 0; from < said.length; from += pieceChars)
    text += continuation.add(said.slice(from, from + pieceChars));
  const rest = continuation.end();
  return rest === null ? null : text + rest;
}

const cut = at("(total, value)");
const [before, rest] = [CODE.slice(0, cut), CODE.slice(cut)];
const line = before.slice(before.lastIndexOf("\n") + 1);
const cases: readonly { name: string; before: string; said: string; want: string | null }[] = [
  { name: "it simply goes on", before, said: rest, want: rest },
  { name: "it repeats the last line", before, said: line + rest, want: rest },
  { name: "without its indent", before, said: line.trimStart() + rest, want: rest },
  {
    name: "it repeats two lines, in other white space",
    before,
    said: `if (values.length === 0) return null;\n\n\t${line.trim()}${rest}`,
    want: rest,
  },
  { name: "it starts over from the beginning", before, said: CODE, want: rest },
  { name: "in a fence", before, said: `\`\`\`ts\n${CODE}\`\`\`\n`, want: rest.trimEnd() },
  { name: "a fence around what is new", before, said: `\`\`\`ts\n${rest}\`\`\``, want: rest.trimEnd() },
  {
    name: "a word or two, then a fence",
    before,
    said: `Here is the rest:\n\n\`\`\`typescript\n${line}${rest}\`\`\``,
    want: rest.trimEnd(),
  },
  {
    name: "the fence that is open is closed",
    before: `\`\`\`ts\n${before}`,
    said: `${line}${rest}\`\`\`\n`,
    want: `${rest}\`\`\`\n`,
  },
  {
    name: "the fence that is open is opened again",
    before: `\`\`\`ts\n${before}`,
    said: `\`\`\`ts\n${line}${rest}\`\`\`\n`,
    want: `${rest}\`\`\`\n`,
  },
  { name: "a word that was cut is written whole", before: "const resu", said: "result = 5;", want: "lt = 5;" },
  { name: "a short word that was cut", before: "return val", said: "value;", want: "ue;" },
  { name: "a bracket is no repetition", before: "if (a) {\n  b();\n}\n", said: "}\n", want: "}\n" },
  { name: "nor is a word that comes twice", before: "if (a) return ", said: "return_value", want: "return_value" },
  {
    name: "a line that stood further up is new",
    before: CODE,
    said: "  if (values.length === 0) return null;\n}\n",
    want: "  if (values.length === 0) return null;\n}\n",
  },
  {
    name: "the line end that is there is not doubled",
    before: "const first = 1;\n",
    said: "const first = 1;\nconst second = 2;\n",
    want: "const second = 2;\n",
  },
  {
    name: "what was shown is the repetition, and the same line after it is new",
    before: 'rows = [\n  "the very same row",\n  "the very same row",\n',
    said: '  "the very same row",\n  "the very same row",\n]\n',
    want: '  "the very same row",\n]\n',
  },
  { name: "nothing more to say but its last line", before: "  return first;\n", said: "  return first;\n", want: "" },
  { name: "nothing at all", before, said: "", want: "" },
  {
    name: "prose with a colon is kept where no fence follows",
    before: "Notes.\n",
    said: "Remember:\n- one\n",
    want: "Remember:\n- one\n",
  },
  {
    name: "begun anew with other words, its end in it",
    before,
    said: CODE.replace("values.length === 0", "!values.length"),
    want: rest,
  },
  {
    name: "begun anew, and quite another answer",
    before,
    said: CODE.slice(0, 60).concat("{ throw new Error('no'); }\n".repeat(4)),
    want: null,
  },
];
for (const it of cases)
  for (const pieceChars of [1, 4, 1_000])
    test(`${it.name} (${pieceChars} at a time)`, () =>
      assert.equal(continued(it.before, it.said, pieceChars), it.want));

test("wherever it was cut and however it comes: what is repeated is not doubled and nothing is lost", () => {
  let tried = 0;
  for (let end = 20; end < CODE.length - 1; end += 7)
    for (const pieceChars of [1, 5, 64])
      for (const back of [0, 40, end]) {
        const [there, missing] = [CODE.slice(0, end), CODE.slice(end)];
        const said = CODE.slice(end - Math.min(back, end));
        // White space that both have is told once, wherever it is taken from.
        assert.equal(there + continued(there, said, pieceChars), there + missing, `${end} ${back} ${pieceChars}`);
        tried++;
      }
  assert.ok(tried > 400);
});

test("text that is new is not held back", () => {
  const continuation = createContinuation("const first = 1;\n");
  assert.equal(continuation.add("xyz"), "xyz");
  assert.equal(continuation.add(" = 2;"), " = 2;");
});

test("the model is shown an end that can be told from others", () => {
  const messages = [{ role: "user", content: "Write it." }] as const;
  const asked = askedToContinue(messages, `${CODE}`);
  assert.deepEqual(asked.slice(0, 2), [messages[0], { role: "assistant", content: CODE }]);
  assert.ok(asked[2]?.content.includes("<<<  return sorted[middle] ?? null;\n}\n>>>"), asked[2]?.content);
  assert.ok((askedToContinue([], "x".repeat(9_999))[1]?.content.length ?? 0) < 800);
});
