import { type Case, check, fenced, testsIn } from "./placing.ts";

const CASES: readonly Case[] = [
  {
    name: "test new file",
    language: "typescript",
    action: "test",
    text: `export function dou‸ble(x: number): number {
  return x * 2;
}
`,
    companion: testsIn("typescript", null),
    completion: `(2), 4);
  assert.deepEqual(double(0), 0);
});

more`,
    want: `import assert from "node:assert/strict";
import { test } from "node:test";
import { double } from "./a.ts";

test("double", () => {
  assert.deepEqual(double(2), 4);
  assert.deepEqual(double(0), 0);
});
`,
  },
  {
    name: "test new file",
    language: "typescript",
    action: "test",
    text: `export function dou‸ble(x: number): number {
  return x * 2;
}
`,
    companion: testsIn("typescript", null),
    chat: fenced(`import { test } from "node:test";

test("double", () => {});`),
    want: `import { test } from "node:test";

test("double", () => {});
`,
  },
  {
    name: "test existing file",
    language: "typescript",
    action: "test",
    text: `export function dou‸ble(x: number): number {
  return x * 2;
}
`,
    companion: testsIn(
      "typescript",
      `import assert from "node:assert/strict";
import { test } from "node:test";
import { double } from "./a.ts";

test("old", () => {
  assert.ok(true);
});
`,
    ),
    completion: `(2), 4);
  assert.deepEqual(double(0), 0);
});

more`,
    want: `import assert from "node:assert/strict";
import { test } from "node:test";
import { double } from "./a.ts";

test("old", () => {
  assert.ok(true);
});

test("double", () => {
  assert.deepEqual(double(2), 4);
  assert.deepEqual(double(0), 0);
});
`,
  },
  {
    name: "test existing file",
    language: "typescript",
    action: "test",
    text: `export function dou‸ble(x: number): number {
  return x * 2;
}
`,
    companion: testsIn(
      "typescript",
      `import assert from "node:assert/strict";
import { test } from "node:test";
import { double } from "./a.ts";

test("old", () => {
  assert.ok(true);
});
`,
    ),
    chat: fenced(`test("double", () => {
  assert.equal(double(1), 2);
});`),
    want: `import assert from "node:assert/strict";
import { test } from "node:test";
import { double } from "./a.ts";

test("old", () => {
  assert.ok(true);
});

test("double", () => {
  assert.equal(double(1), 2);
});
`,
  },
  {
    name: "new tests",
    language: "python",
    action: "test",
    text: `def dou‸ble(x):
    return x * 2
`,
    companion: testsIn("python", null),
    completion: `1) == 2
    assert double(0) == 0


def`,
    want: `from a import double


def test_double():
    assert double(1) == 2
    assert double(0) == 0
`,
  },
  {
    name: "new tests",
    language: "python",
    action: "test",
    text: `def dou‸ble(x):
    return x * 2
`,
    companion: testsIn("python", null),
    chat: fenced(`from a import double


def test_double():
    assert double(1) == 2`),
    want: `from a import double


def test_double():
    assert double(1) == 2
`,
  },
  {
    name: "more tests",
    language: "python",
    action: "test",
    text: `def dou‸ble(x):
    return x * 2
`,
    companion: testsIn(
      "python",
      `from a import double


def test_old():
    assert True
`,
    ),
    completion: `1) == 2
    assert double(0) == 0


def`,
    want: `from a import double


def test_old():
    assert True


def test_double():
    assert double(1) == 2
    assert double(0) == 0
`,
  },
  {
    name: "more tests",
    language: "python",
    action: "test",
    text: `def dou‸ble(x):
    return x * 2
`,
    companion: testsIn(
      "python",
      `from a import double


def test_old():
    assert True
`,
    ),
    chat: fenced(`def test_double():
    assert double(1) == 2`),
    want: `from a import double


def test_old():
    assert True


def test_double():
    assert double(1) == 2
`,
  },
];
for (const it of CASES) check(it);
