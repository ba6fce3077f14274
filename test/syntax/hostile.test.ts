import assert from "node:assert/strict";
import { test } from "node:test";
import { wasmPath } from "../../server/assets.ts";
import { slice } from "../../server/core/text.ts";
import { createSyntax } from "../../server/syntax/treeSitter.ts";
import { row, syntax } from "./outlines.ts";

const ALL = [
  ...["typescript", "typescriptreact", "javascript", "javascriptreact", "python", "go", "rust", "java"],
  ...["c", "cpp", "csharp", "ruby", "php", "shellscript", "powershell", "css"],
];

for (const language of ALL) {
  test(`${language}: nothing, blanks and a byte order mark are no error`, async () => {
    for (const text of ["", "\n\n", " \t\r\n", "\uFEFF"]) {
      const outline = await syntax.outline(text, language);
      assert.deepEqual(outline, { isKnown: true, declarations: [], errors: [] }, JSON.stringify(text));
    }
  });
  test(`${language}: noise gives errors in order, at most 50, within the text`, async () => {
    const text = noise(20_000);
    const lines = text.split("\n");
    const { errors } = await syntax.outline(text, language);
    assert.ok(errors.length <= 50);
    for (const it of errors) assert.ok(it.character <= (lines[it.line]?.length ?? -1) && it.message.length < 200);
    const sorted = errors.toSorted((a, b) => a.line - b.line || a.character - b.character);
    assert.deepEqual(errors, sorted);
  });
}

test("an unknown language is not checked", async () => {
  for (const language of ["kotlin", "plaintext", "", "constructor", "__proto__"]) {
    assert.deepEqual(await syntax.outline("fun f( {", language), { isKnown: false, declarations: [], errors: [] });
  }
});

test("a file that is only a comment", async () => {
  for (const [language, text] of [
    ["typescript", "/** a */"],
    ["python", "# a"],
    ["go", "// a"],
    ["css", "/* a */"],
  ] as const) {
    assert.deepEqual(await syntax.outline(text, language), { isKnown: true, declarations: [], errors: [] });
  }
});

test("positions count UTF-16 units: emoji, CJK, combining marks and tabs before a declaration on its line", async () => {
  const text = `const 名 = "😀é👩‍👩‍👧";\t/* 漢 */ function привет(a = "🎉") { return "😀"; } function b() {}\nclass 型 {}\n`;
  const { declarations, errors } = await syntax.outline(text, "typescript");
  assert.deepEqual(errors, []);
  assert.deepEqual(
    declarations.map((it) => row(text, it)),
    [
      ["function", "привет", 'function привет(a = "🎉") {', ' return "😀"; ', null],
      ["function", "b", "function b() {", "", null],
      ["class", "型", "class 型 {", "", null],
    ],
  );
});

test("a byte order mark shifts nothing", async () => {
  const text = "\uFEFF/** a */\nexport function f() {}\n";
  const { declarations } = await syntax.outline(text, "typescript");
  assert.deepEqual(
    declarations.map((it) => row(text, it)),
    [["function", "f", "export function f() {", "", "/** a */"]],
  );
});

test("indent and depth", async () => {
  const text =
    "class A {\n\tm() {\n\t\tconst f = () => {\n\t\t\tclass B { n() {} }\n\t\t};\n\t}\n}\nfunction last() {}\n";
  const { declarations } = await syntax.outline(text, "typescript");
  assert.deepEqual(
    declarations.map((it) => [it.name, it.depth, it.indent]),
    [
      ["A", 0, ""],
      ["m", 1, "\t"],
      ["f", 2, "\t\t"],
      ["B", 3, "\t\t\t"],
      ["n", 4, "\t\t\t"],
      ["last", 0, ""],
    ],
  );
});

test("range covers the statement, and the doc comment only when it lies inside", async () => {
  const text = "/** d */\nexport const f = async () => {\n  go();\n};\n\n@dec\n/** e */\nclass A {}\n";
  const { declarations } = await syntax.outline(text, "typescript");
  assert.deepEqual(
    declarations.map((it) => slice(text, it.range)),
    ["export const f = async () => {\n  go();\n};", "@dec\n/** e */\nclass A {}"],
  );
});

const DEEP: readonly { name: string; language: string; text: string; count: number }[] = [
  { name: "functions", language: "typescript", text: nest("function f() {", "}"), count: 5_000 },
  { name: "blocks", language: "java", text: `class A { { ${nest("{", "}")} } }`, count: 1 },
  { name: "parentheses", language: "python", text: `x = ${nest("(", ")").replace("()", "(1)")}\n`, count: 0 },
  { name: "arrays", language: "javascript", text: `x = ${nest("[", "]")};`, count: 0 },
  { name: "rules", language: "css", text: nest("a {", "}"), count: 5_000 },
];
for (const it of DEEP) {
  test(`5,000 levels of ${it.name} in ${it.language}`, async () => {
    const { declarations, errors } = await syntax.outline(it.text, it.language);
    assert.deepEqual(errors, []);
    assert.equal(declarations.length, it.count);
  });
}

test("a megabyte of code", async () => {
  const unit = "/** Adds. */\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n\n";
  const text = unit.repeat(Math.ceil(1_000_000 / unit.length));
  // How long it takes depends on what else runs here.
  const patient = createSyntax({ wasmPath, parseMs: 60_000 });
  const { declarations, errors } = await patient.outline(text, "typescript");
  assert.deepEqual(errors, []);
  assert.equal(declarations.length, text.length / unit.length);
  assert.deepEqual(row(text, declarations.at(-1) ?? assert.fail()).slice(2), [
    "export function add(a: number, b: number): number {",
    "\n  return a + b;\n",
    "/** Adds. */",
  ]);
});

test("a text that takes too long is an error, not a pass, and the next one is parsed", async () => {
  const hasty = createSyntax({ wasmPath, parseMs: 0 });
  const { isKnown, declarations, errors } = await hasty.outline("const a = 1;\n".repeat(20_000), "typescript");
  assert.deepEqual({ isKnown, declarations }, { isKnown: true, declarations: [] });
  assert.match(errors[0]?.message ?? "", /^not checked: parsing took longer/);
  assert.deepEqual((await syntax.outline("const a = 1;", "typescript")).errors, []);
});

test("500 parses need no more memory than 50", async () => {
  const text = "export function add(a: number): number {\n  return [a].map((it) => it + 1);\n}\n".repeat(100);
  const parse = async (times: number) => {
    for (let at = 0; at < times; at++) await syntax.outline(text, "typescript");
    return process.memoryUsage().external;
  };
  const first = await parse(50);
  const last = await parse(450);
  assert.ok(last - first < 8_000_000, `${last - first} bytes more`);
});

test("many at once, in all languages, do not disturb each other", async () => {
  const fresh = createSyntax({ wasmPath });
  const text = "class A { f() {} }\n";
  const together = await Promise.all(ALL.map((language) => fresh.outline(text, language)));
  for (const [at, language] of ALL.entries()) assert.deepEqual(together[at], await syntax.outline(text, language));
});

test("a grammar that cannot be read fails the call, and is tried again", async () => {
  let isBroken = true;
  const flaky = createSyntax({
    wasmPath: (file) => wasmPath(isBroken && file.includes("-go") ? "missing.wasm" : file),
  });
  await assert.rejects(flaky.outline("package a\n", "go"), { code: "ENOENT" });
  isBroken = false;
  assert.deepEqual((await flaky.outline("package a\n", "go")).errors, []);
});

function nest(open: string, close: string): string {
  return open.repeat(5_000) + close.repeat(5_000);
}

/** The same noise each time: brackets, quotes, words, line breaks. */
function noise(length: number): string {
  const letters = "{}()[]<>=>;'\"`a1 \n\\/*#$@:😀é";
  return Array.from({ length }, (_, at) => letters[(at * 7_919 + (at >> 3) * 31) % letters.length]).join("");
}
