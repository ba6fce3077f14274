import assert from "node:assert/strict";
import { test } from "node:test";
import { classify } from "../../server/core/classify.ts";
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
];
for (const { want, targetLines = 10, ...it } of TIERS)
  test(`${it.action ?? "unsaid"}, ${targetLines} lines: ${JSON.stringify(it.instruction)} is ${want.join(", ")}`, () => {
    const got = classify({ ...it, targetLines, errorCount: 0 });
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

test("a pasted file behind the request does not count", () => {
  const paste = "fix bug error crash\n".repeat(10_000);
  assert.equal(classify({ ...request, instruction: `write unit tests\n\n\n${paste}` }).action, "test");
});
