import assert from "node:assert/strict";
import { test } from "node:test";
import { frameworkOf, importPathFor, isTestFile, testFileCandidates } from "../../server/core/companion.ts";
import { languageFacts } from "../../server/core/language.ts";

const TEST_FILES: readonly (readonly [path: string, want: boolean])[] = [
  ["/a/b.test.ts", true],
  ["/a/b.spec.tsx", true],
  ["/a/test_b.py", true],
  ["/a/b_test.go", true],
  ["/a/BTest.java", true],
  ["/a/BTests.cs", true],
  ["/a/__tests__/b.ts", true],
  ["/a/tests/b.ts", true],
  ["/a/b.ts", false],
  ["/a/latest.ts", false],
  ["/a/contest/b.ts", false],
  ["/a/testing.ts", false],
  ["/a/attest_b.py", false],
];
for (const [path, want] of TEST_FILES)
  test(`${path} is ${want ? "a" : "no"} test file`, () => assert.equal(isTestFile(path), want));

const FRAMEWORKS: readonly (readonly [language: string, manifest: string | null, want: string])[] = [
  ["typescript", null, "node:test"],
  ["typescript", '{"devDependencies":{"vitest":"1"}}', "vitest"],
  ["javascriptreact", '{"devDependencies": {"jest" : "29"}}', "jest"],
  ["typescript", '{"description":"not jest"}', "node:test"],
  ["python", '{"devDependencies":{"jest":"1"}}', "pytest"],
  ["go", null, "the testing package"],
  ["shellscript", null, "the project's test framework"],
];
for (const [language, manifest, want] of FRAMEWORKS)
  test(`${language} tests with ${want}`, () => assert.equal(frameworkOf(languageFacts(language), manifest), want));

const FIRST: readonly (readonly [
  language: string,
  file: string,
  candidate: string | null,
  importPath: string | null,
])[] = [
  ["typescript", "a.ts", "a.test.ts", "./a.ts"],
  ["javascript", "a.b.mjs", "a.b.test.mjs", "./a.b.mjs"],
  ["python", "a.py", "test_a.py", "a"],
  ["go", "a.go", "a_test.go", "./a.go"],
  ["java", "A.java", "ATest.java", "./A.java"],
  ["rust", "a.rs", null, null],
  ["json", "a.json", null, null],
];
for (const [language, file, candidate, importPath] of FIRST)
  test(`tests of ${file} go to ${candidate ?? "no usual place"}`, () => {
    const facts = languageFacts(language);
    const first = testFileCandidates(file, facts)[0] ?? null;
    assert.equal(first, candidate);
    if (first !== null) assert.equal(importPathFor(file, first, facts), importPath);
  });

test("tests in a folder of their own import from above", () =>
  assert.equal(importPathFor("a.ts", "__tests__/a.test.ts", languageFacts("typescript")), "../a.ts"));
