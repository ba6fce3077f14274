import assert from "node:assert/strict";
import { test } from "node:test";
import { scanBrackets } from "../../server/core/brackets.ts";
import { languageFacts } from "../../server/core/language.ts";

/** Brackets open at the end, and whether that end is code; or where the first bracket too many stands, as line:offset. */
interface Case {
  readonly language: string;
  readonly text: string;
  readonly want: number | "in quotes" | string;
}

const CASES: readonly Case[] = [
  { language: "typescript", text: "f(a[1], {", want: 2 },
  { language: "typescript", text: "f(a[1])", want: 0 },
  { language: "typescript", text: "}", want: "0:0" },
  { language: "typescript", text: "a();\n  }", want: "1:2" },
  { language: "typescript", text: "f(a, b;\n}", want: "1:0" },
  { language: "typescript", text: "if (a { b }\n", want: 1 },
  { language: "typescript", text: '\'}\' + "}\\"}" + `}`', want: 0 },
  { language: "typescript", text: "`a\n}`; (", want: 1 },
  { language: "typescript", text: "`\u0024{f({ a: `}\u0024{b}` })}}`", want: 0 },
  { language: "typescript", text: "`${a", want: "in quotes" },
  { language: "typescript", text: "'it does not end\n(", want: 1 },
  { language: "typescript", text: "'goes on \\\n}'; (", want: 1 },
  { language: "typescript", text: "// don't } \\\n(", want: 1 },
  { language: "typescript", text: "/* } ' \n } */ (", want: 1 },
  { language: "typescript", text: "/* open", want: "in quotes" },
  { language: "typescript", text: "a = /[}/'\"]{2}\\/`/g; (", want: 1 },
  { language: "typescript", text: "return /}/.test(a)", want: 0 },
  { language: "typescript", text: "(a / b) / (c / '}'.length)", want: 0 },
  { language: "typescript", text: "x.split(/\\}/)", want: 0 },
  { language: "typescriptreact", text: "<p>Don't {a}</p>\n<i>{", want: 1 },
  { language: "python", text: "x = '''}\n}''' + f(\"}\") # }\n(", want: 1 },
  { language: "python", text: '"""doc }', want: "in quotes" },
  { language: "python", text: "x = a // (b\n)", want: 0 },
  { language: "rust", text: "let c: &'a str = '}'.f('\\'', '{'); (", want: 1 },
  { language: "rust", text: 'r#"}"}"#; for x in "}".f() {', want: 1 },
  { language: "rust", text: "fn f<'a>(x: &'a [u8]) {", want: 1 },
  { language: "go", text: "x := `\\` + '}' + \"\\\"}\" + string('\\u007d')\n{", want: 1 },
  { language: "c", text: "char a = '\\\\'; char b = '{'; (", want: 1 },
  { language: "csharp", text: '$"{{ {f("}")} }}" + @"\\" + (', want: 1 },
  { language: "shellscript", text: 'x=\u0024{#a}; echo "$# \u0024{b#}}" # }\n{', want: 1 },
  { language: "ruby", text: '"#{a["}"]}" + x[/}/] # }\n(', want: 1 },
  { language: "cobol", text: '("}")', want: 0 },
  { language: "typescript", text: "", want: 0 },
];

function scan({ language, text }: Case): Case["want"] {
  const scanner = scanBrackets(languageFacts(language));
  for (const [number, line] of text.split("\n").entries()) {
    const excess = scanner.line(line);
    if (excess !== -1) return `${number}:${excess}`;
  }
  return scanner.isInCode ? scanner.depth : "in quotes";
}

for (const it of CASES) test(`${it.language}: ${JSON.stringify(it.text)}`, () => assert.equal(scan(it), it.want));

test("enders are found outside brackets and quotes only", () => {
  const find = (text: string) => scanBrackets(languageFacts("typescript")).line(text, ";,");
  assert.deepEqual([find("f(a, b); c"), find("[1, 2]"), find("';' + a, b"), find("a // ;")], [7, -1, 7, -1]);
});

test("what was read before an excess bracket does not stop the scanner", () => {
  const scanner = scanBrackets(languageFacts("typescript"));
  assert.equal(scanner.line("} else {"), 0);
  assert.equal(scanner.depth, 1);
});
