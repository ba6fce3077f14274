import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, LEAST_CONFIDENCE } from "../../server/core/classify.ts";
import type { Action, Tier } from "../../server/protocol/run.ts";

/** Requests as people type them, names of code that look like other actions included. */
const REQUESTS: Readonly<Record<Action, readonly string[]>> = {
  docstring: [
    "add a docstring to the implement() function",
    "doc this",
    "docstring pls",
    "wrtie jsdoc for parseRow",
    "document the retry function",
    "Schreibe einen Docstring für median",
    "Dokumentiere diese Funktion",
    "ajoute une docstring à cette fonction",
    "documenta esta función",
    "给这个函数添加文档注释",
    "add comments to testRunner",
    "write a comment for total",
  ],
  explain: [
    "explain how this design works",
    "expalin this",
    "what does this do?",
    "Erkläre diesen Code",
    "Was macht diese Funktion?",
    "explique cette fonction",
    "explica este código",
    "解释这段代码",
    "why is this test failing to compile, explain the error",
    "how does fixTypo work",
    "What is wrong with total?",
  ],
  refactor: [
    "rename createUser",
    "rename createUser to addUser",
    "refacter this to use async await",
    "clean up",
    "extract the loop into a helper function",
    "make this faster",
    "Vereinfache das",
    "Benenne x in total um",
    "simplifie cette fonction",
    "重构这个函数",
    "is there a better way to write this loop?",
  ],
  fix: [
    "fix",
    "fix the failing test",
    "fx the bug",
    "it crashes on empty input",
    "behebe den Fehler",
    "corrige le bug",
    "arregla el error",
    "修复这个错误",
    "fix docs typo",
    "median is wrong for even counts",
  ],
  test: [
    "generate test with parameters",
    "write unit tests for explainPlan",
    "tests",
    "wirte tests for this",
    "schreibe Tests für median",
    "écris des tests unitaires",
    "escribe pruebas para esto",
    "为这个函数编写单元测试",
    "cover the edge cases of fixRow with tests",
    "add test cases",
  ],
  implement: [
    "implement",
    "implment this",
    "write a function that reverses a string",
    "implement the describe() matcher",
    "implementiere die Funktion",
    "implémente cette méthode",
    "implementa esta función",
    "实现这个函数",
    "create a REST endpoint for users",
    "add a method to remove items",
    "finish the body of retry with exponential back-off",
    "write the class TestRunner",
  ],
  ask: [
    "is there a library for this?",
    "which design is best for a plugin system",
    "hello",
    "",
    "asdf qwer",
    "can i use this in production?",
  ],
};

const request = { action: null, targetLines: 10, errorCount: 0 };

/** Words and names of other actions in them, pasted code and traces around them. */
const DECOYS: readonly (readonly [Action, string])[] = [
  ["docstring", "document the fixTypo helper"],
  ["docstring", "add a comment to the explain() method"],
  ["explain", "explain how this design works"],
  ["explain", "why does this test fail"],
  ["explain", "what does the test do"],
  ["explain", "explain the docstring"],
  ["explain", "what does createUser do"],
  ["explain", "what is this?\n\nfunction fix(xs) {\n  return xs.filter(Boolean);\n}"],
  ["refactor", "make this async"],
  ["refactor", "rename test to spec"],
  ["refactor", "remove the comments"],
  ["refactor", "clean up the tests"],
  ["refactor", "is there a more efficient way to build this list?"],
  ["fix", "fix the docs build"],
  ["fix", "make the tests pass"],
  ["fix", "how do i fix this warning"],
  ["fix", "TypeError: Cannot read properties of undefined (reading 'map')\n    at render (app.js:3:9)"],
  ["fix", "the total is wrong for negative prices"],
  ["test", "write tests for the fix function"],
  ["test", "test createUser"],
  ["test", "add a test that reproduces the bug"],
  ["test", "unit tests\n\n```ts\nexport const fixAll = (xs: Bug[]) => xs.map(explain);\n```"],
  ["implement", "implement the describe() matcher"],
  ["implement", "create an error page"],
  ["implement", "write a function to fix broken links"],
  ["implement", "python script to rename files"],
  ["ask", "is this test useful?"],
  ["ask", "should i refactor this?"],
  ["ask", "where are the tests?"],
  ["ask", "which library is best for testing?"],
];
for (const [action, instruction] of DECOYS)
  test(`${action}, whatever else is in it: ${JSON.stringify(instruction)}`, () => {
    const got = classify({ ...request, instruction });
    assert.equal(got.action, action, got.why);
  });

for (const [action, instructions] of Object.entries(REQUESTS))
  for (const instruction of instructions)
    test(`${action}: ${JSON.stringify(instruction)}`, () => {
      const got = classify({ ...request, instruction });
      assert.equal(got.action, action, got.why);
      assert.ok(got.confidence >= 0 && got.confidence <= 1);
      assert.notEqual(got.why, "");
    });

interface TierCase {
  readonly instruction: string;
  readonly nesting?: number;
  readonly symbols?: number;
  readonly errorCount?: number;
  readonly action: Action | null;
  readonly targetLines?: number;
  readonly want: readonly [Action, Tier];
}

const TIERS: readonly TierCase[] = [
  { instruction: "", action: "docstring", want: ["docstring", "simple"] },
  { instruction: "", action: "explain", want: ["explain", "simple"] },
  { instruction: "", action: "explain", targetLines: 151, want: ["explain", "moderate"] },
  { instruction: "", action: "docstring", targetLines: 150, want: ["docstring", "simple"] },
  { instruction: "", action: "fix", want: ["fix", "moderate"] },
  { instruction: "", action: "test", want: ["test", "moderate"] },
  { instruction: "", action: "refactor", want: ["refactor", "moderate"] },
  { instruction: "rename a to b", action: "refactor", want: ["refactor", "simple"] },
  { instruction: "rename a to b", action: null, want: ["refactor", "simple"] },
  { instruction: "", action: "implement", targetLines: 1, want: ["implement", "complex"] },
  { instruction: "is there a good design for a cache", action: null, want: ["ask", "moderate"] },
  { instruction: "is this thread safe", action: null, want: ["ask", "simple"] },
  { instruction: "write tests", action: "fix", want: ["fix", "moderate"] },
  { instruction: "explain it", action: "implement", want: ["implement", "complex"] },
  { instruction: "", action: "docstring", nesting: 6, want: ["docstring", "moderate"] },
  { instruction: "", action: "docstring", nesting: 5, want: ["docstring", "simple"] },
  { instruction: "", action: "explain", symbols: 12, want: ["explain", "moderate"] },
  { instruction: "", action: "fix", errorCount: 6, want: ["fix", "moderate"] },
  { instruction: "", action: "fix", errorCount: 6, targetLines: 151, want: ["fix", "complex"] },
  { instruction: "move it from a.ts to lib/b.ts", action: "refactor", nesting: 7, want: ["refactor", "complex"] },
  { instruction: "rename x in a.ts and b.ts", action: null, want: ["refactor", "moderate"] },
];
for (const { want, targetLines = 10, ...it } of TIERS)
  test(`${it.action ?? "unsaid"}, ${targetLines} lines: ${JSON.stringify(it.instruction)} is ${want.join(", ")}`, () => {
    const got = classify({ errorCount: 0, ...it, targetLines });
    assert.deepEqual([got.action, got.tier], want);
    if (it.action) assert.equal(got.confidence, 1);
  });

test("what could be anything is a question, and says so", () => {
  const { action } = classify({ ...request, instruction: "doc tests fix rename implement explain" });
  assert.equal(action, "ask");
});

test("errors in the code point to a fix only where the words say little", () => {
  const withErrors = { ...request, errorCount: 2 };
  assert.equal(classify({ ...withErrors, instruction: "please" }).action, "fix");
  assert.equal(classify({ ...withErrors, instruction: "explain this" }).action, "explain");
});

test("what is not sure enough for an edit is answered as a question, and both readings are named", () => {
  const verbs = ["comment", "simplify", "fix", "test", "implement", "create", "rename", "document", "convert", "check"];
  const pairs = verbs.flatMap((one) => verbs.filter((it) => it !== one).map((other) => `${one} and ${other}`));
  const unsure = pairs
    .flatMap((it) => [`it should ${it}`, `could this ${it}, or not`, `maybe ${it} the thing`])
    .map((instruction) => classify({ ...request, instruction }))
    .filter((it) => it.confidence < LEAST_CONFIDENCE);
  assert.ok(unsure.length > 0);
  for (const { action, why } of unsure) {
    assert.ok(action === "ask" || action === "explain", why);
    assert.match(why, /too close to call between \w+ \(\d+ %\) and \w+ \(\d+ %\)|against \w+ \(\d+ %\)/);
  }
});

test("the reason names words of the request, as they were typed", () => {
  const { why } = classify({ ...request, instruction: "Add Unit Tests for parseRow" });
  assert.match(why, /"[^"]*Tests[^"]*".* for test/);
  const named = classify({ ...request, instruction: "rename createUser" });
  assert.doesNotMatch(named.why, /_/);
  const trace = classify({ ...request, instruction: "KeyError: 'id'\n  File \"a.py\", line 3, in load" });
  assert.match(trace.why, /for fix/);
});

test("a question behind a long paste is read", () => {
  const paste = "const total = rows.reduce((sum, it) => sum + it.price, 0);\n".repeat(500);
  assert.equal(classify({ ...request, instruction: `${paste}\nwhat does this code do?` }).action, "explain");
});

test("a pasted file behind the request does not count", () => {
  const paste = "fix bug error crash\n".repeat(10_000);
  assert.equal(classify({ ...request, instruction: `write unit tests\n\n\n${paste}` }).action, "test");
});
