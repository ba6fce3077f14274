import { type Case, check } from "./damaging.ts";

const FUNCTION = `import { z } from "./z.ts";

export function a() {
  return z;
}

export function b‸() {
  return a();
}
`;
const ts = { language: "typescript", action: "fix" } as const;
const PYTHON = `import os


def a():
    return 1


class Cart:
    @cached
    def total‸(self):
        pass
`;
const py = { language: "python", action: "implement", text: PYTHON } as const;
const LEFT_OUT: readonly Case[] = [
  ...[
    "// ... existing code ...",
    "// ...",
    "/* ... rest unchanged */",
    "// rest of the code unchanged",
    "// … the other methods",
    "// rest of the code...",
    "// Same as before",
  ].map(
    (comment): Case => ({
      ...ts,
      name: comment,
      text: FUNCTION,
      code: `export function b() {\n  ${comment}\n  return 2;\n}`,
      want: /leaves code out/,
    }),
  ),
  ...[
    "// the rest of the list is read later",
    "// and so on...",
    "// Loading the remaining users...",
    "// existing users keep their rights",
    "// [1, 2, ...]",
  ].map(
    (comment): Case => ({
      ...ts,
      name: comment,
      text: FUNCTION,
      code: `export function b() {\n  ${comment}\n  return 2;\n}`,
      want: null,
    }),
  ),
  {
    ...py,
    name: "# ... rest unchanged",
    code: "@cached\ndef total(self):\n    # ... rest unchanged\n    return 1",
    want: /leaves code out/,
  },
  {
    ...ts,
    name: "one that was there",
    text: "function f‸() {\n  // ...\n  return 1;\n}\n",
    code: "function f() {\n  // ...\n  return 2;\n}",
    want: null,
  },
  {
    ...ts,
    action: "refactor",
    name: "declarations of a selection",
    text: "«function a() {}\n\nfunction b() {}\n\nfunction c() {}»\n",
    code: "function a() {\n}",
    want: /drops b, c/,
  },
  {
    ...ts,
    action: "refactor",
    name: "a rename in a selection",
    text: "«function a() {}\n\nfunction b() {}»\n",
    code: "function a() {\n}\n\nfunction d() {}",
    want: null,
  },
  {
    ...ts,
    action: "refactor",
    instruction: "merge b into a",
    name: "one that was named",
    text: "«function a() {}\n\nfunction b() {}»\n",
    code: "function a() {\n}",
    want: null,
  },
  {
    ...ts,
    name: "methods of a class",
    text: "class A‸ {\n  f() {\n    return 1;\n  }\n\n  g() {\n    return 2;\n  }\n}\n",
    code: "class A {\n  f() {\n    return 3;\n  }\n}",
    want: /drops g/,
  },
];

const OLD_TESTS =
  'import assert from "node:assert/strict";\nimport { test } from "node:test";\n\ntest("old", () => {\n  assert.ok(true);\n});\n';
const tests = { ...ts, action: "test", text: "export function double‸(x: number) {\n  return x;\n}\n" } as const;
const TEST = 'test("double", () => {\n  assert.ok(double(1));\n});';
const pyTests = {
  language: "python",
  action: "test",
  text: "def double‸(x):\n    return x\n",
  tests: "from a import double\n\n\ndef test_old():\n    assert True\n",
} as const;
const TESTS: readonly Case[] = [
  { ...tests, name: "new ones", tests: OLD_TESTS, code: TEST, want: null },
  { ...tests, name: "a new import", tests: OLD_TESTS, code: `import { double } from "./a.ts";\n\n${TEST}`, want: null },
  {
    ...tests,
    name: "the same import",
    tests: OLD_TESTS,
    code: `import { test } from "node:test";\n\n${TEST}`,
    want: /repeat the file's imports/,
  },
  {
    ...tests,
    name: "the same names",
    tests: OLD_TESTS,
    code: `import { describe, test } from 'vitest';\n\n${TEST}`,
    want: /repeat the file's imports/,
  },
  {
    ...tests,
    name: "an old test",
    tests: OLD_TESTS,
    code: `test("old", () => {\n  assert.ok(true);\n});\n\n${TEST}`,
    want: /repeats a test.*old/,
  },
  { ...tests, name: "the right path", tests: null, code: `import { double } from "./a.js";\n\n${TEST}`, want: null },
  {
    ...tests,
    name: "the wrong path",
    tests: null,
    code: `import { double } from "../src/a";\n\n${TEST}`,
    want: /import from "\.\.\/src\/a": what they test is in "\.\/a\.ts"/,
  },
  { ...pyTests, name: "new ones", code: "def test_double():\n    assert double(1)", want: null },
  {
    ...pyTests,
    name: "the same import",
    code: "import pytest\nfrom a import double\n\n\ndef test_double():\n    assert double(1)",
    want: /repeat the file's imports/,
  },
  {
    ...pyTests,
    name: "an old test",
    code: "def test_old():\n    assert True\n\n\ndef test_double():\n    assert double(1)",
    want: /repeats test_old/,
  },

  {
    ...pyTests,
    name: "the right module",
    tests: null,
    code: "import pytest\nfrom a import double\n\n\ndef test_double():\n    assert double(1)",
    want: null,
  },
  {
    ...pyTests,
    name: "a module that stands for one",
    tests: null,
    code: "from your_module import double\n\n\ndef test_double():\n    assert double(1)",
    want: /import from "your_module": what they test is in "a"/,
  },
];

for (const it of [...LEFT_OUT, ...TESTS]) check(it);
