import assert from "node:assert/strict";
import { test } from "node:test";
import { languageFacts, languageOfFence, languageOfPath } from "../../server/core/language.ts";
import { LANGUAGES } from "../../server/core/languages.ts";

const PATHS: readonly (readonly [path: string, want: string])[] = [
  ["a.ts", "typescript"],
  ["/src/App.TSX", "typescriptreact"],
  ["C:\\code\\main.Py", "python"],
  ["file:///home/a/b.rs", "rust"],
  ["file:///c%3A/a/b.go?x=1#L3", "go"],
  ["a.d.ts", "typescript"],
  ["a.test.mjs", "javascript"],
  ["include/a.h", "c"],
  ["a.b/Makefile", "makefile"],
  ["Dockerfile", "dockerfile"],
  ["x.kt", "kotlin"],
  [".gitignore", "plaintext"],
  [".ts", "plaintext"],
  ["ts", "plaintext"],
  ["folder.ts/readme", "plaintext"],
  ["a.", "plaintext"],
  ["a.constructor", "plaintext"],
  ["a#b.css", "css"],
  ["", "plaintext"],
];
for (const [path, want] of PATHS) test(`path ${JSON.stringify(path)}`, () => assert.equal(languageOfPath(path), want));

const FENCES: readonly (readonly [name: string, want: string | null])[] = [
  ["ts", "typescript"],
  ["typescript", "typescript"],
  [" Python ", "python"],
  ["c++", "cpp"],
  ["C#", "csharp"],
  ["bash", "shellscript"],
  ["js title=a.js", "javascript"],
  ["rust,ignore", "rust"],
  ["tsx{1,3}", "typescriptreact"],
  ["go:main.go", "go"],
  ["", null],
  ["diff", null],
  ["__proto__", null],
];
for (const [name, want] of FENCES)
  test(`fence ${JSON.stringify(name)}`, () => assert.equal(languageOfFence(name), want));

test("an unknown language gets facts that harm nothing", () => {
  for (const id of ["cobol", "", "__proto__"]) {
    const facts = languageFacts(id);
    assert.deepEqual([facts.id, facts.doc, facts.lineComment, facts.blocks], [id, null, null, "braces"]);
  }
});

test("no name means two languages", () => {
  for (const names of [
    LANGUAGES.map((it) => it.id),
    LANGUAGES.flatMap((it) => it.fences),
    LANGUAGES.flatMap((it) => it.extensions),
  ]) {
    assert.deepEqual(
      names.filter((it, at) => names.indexOf(it) !== at),
      [],
    );
  }
});

test("a string's opening is found before a shorter one it starts with", () => {
  for (const { id, strings } of LANGUAGES) {
    strings.forEach((it, at) => {
      const earlier = strings.slice(0, at).filter((other) => it.open.startsWith(other.open));
      assert.deepEqual(earlier, [], id);
    });
  }
});

test("documentation is written as each language's people do", () => {
  const doc = (id: string) => languageFacts(id).doc;
  assert.deepEqual(doc("typescript"), { kind: "before", open: "/**", line: " * ", close: " */" });
  assert.deepEqual(doc("rust"), { kind: "before", open: null, line: "/// ", close: null });
  assert.deepEqual(doc("go"), { kind: "before", open: null, line: "// ", close: null });
  assert.deepEqual(doc("python"), { kind: "inside", quote: '"""' });
  assert.equal(doc("json"), null);
});
