import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../../server/core/classify/rulePattern.ts";
import { type Rule, wrongRules } from "../../server/core/classify/rules.ts";
import { classify } from "../../server/core/classify.ts";
import { RoutingRules } from "../../server/protocol/settings.ts";

const PATTERNS = [
  "ticket",
  "^ticket",
  "done$",
  "^$",
  "a|b",
  "^(fix|repair)\\b",
  "colou?r",
  "a.c",
  "a.*c",
  "a+b*c?",
  "(?:ab)+c",
  "(a|b)*c",
  "\\d\\d+",
  "\\bid\\b",
  "\\S+@\\S+",
  "[a-c]x",
  "[^a-c]x",
  "[\\d-]+$",
  "\\.ts\\b",
  "a+?b",
  "()",
  "x|",
  "\\w+ \\w+",
  "[\\]]",
];
const TEXTS = [
  "",
  "ticket 42",
  "TICKET",
  "my ticket is done",
  "fix it",
  "prefix",
  "repair",
  "color colour",
  "abc",
  "a---c",
  "aaabbb",
  "ababc",
  "cx",
  "dx",
  "12-34",
  "the id is",
  "idea",
  "me@home",
  "main.ts and main.tsx",
  "]",
  "a\nc",
];

for (const pattern of PATTERNS)
  test(`/${pattern}/ matches what the language's own expressions match`, () => {
    const own = compile(pattern);
    assert.ok("matches" in own, JSON.stringify(own));
    const native = new RegExp(pattern, "i");
    for (const text of TEXTS) assert.equal(own.matches(text), native.test(text), JSON.stringify(text));
  });

const WRONG: readonly (readonly [string, RegExp])[] = [
  ["(a", /"\(" at 1 is never closed/],
  ["a)", /"\)" at 2 closes nothing/],
  ["*a", /"\*" at 1 repeats nothing/],
  ["a**", /"\*" at 3 repeats a repetition/],
  ["[a", /"\[" at 1 is never closed/],
  ["[z-a]", /is no set/],
  ["a{2,3}", /"\{n,m\}" at 2 is not understood/],
  ["(?=a)", /look-around/],
  ["(a)\\1", /"\\1" at 4 is not understood/],
  ["a\\", /escapes nothing/],
  ["x".repeat(201), /201 characters/],
  ["(".repeat(30), /more than 20 groups/],
];
for (const [pattern, says] of WRONG)
  test(`${pattern.slice(0, 10)} is refused with what is wrong, by name, and settings refuse it too`, () => {
    const made = compile(pattern);
    assert.ok("wrong" in made);
    assert.match(made.wrong, says);
    assert.match(wrongRules([{ pattern }])[0] ?? "", /^The pattern ".*" of a rule is not used: /);
    assert.equal(RoutingRules.safeParse([{ pattern, action: "fix" }]).success, false);
  });

test("whatever settings take, the matcher takes", () => {
  for (const pattern of [...PATTERNS, "a\\-b", "[\\w.]+", "über", "重构", "\\/", "\\$\\d"]) {
    assert.ok(RoutingRules.safeParse([{ pattern, action: "fix" }]).success, pattern);
    assert.ok("matches" in compile(pattern), pattern);
  }
});

test("a pattern that backtracking would try for longer than the universe lasts is done at once", () => {
  const made = compile("(a|aa)+(a|aa)+(a*)*b$");
  assert.ok("matches" in made);
  assert.equal(made.matches("a".repeat(100_000)), false);
});

const rules: readonly Rule[] = [
  { pattern: "^ticket \\d+", action: "implement", tier: "complex", model: "big" },
  { pattern: "quick", tier: "simple" },
  { pattern: "ticket", action: "ask" },
  { pattern: "(", action: "fix" },
];
const request = { action: null, targetLines: 10, errorCount: 0, rules };

test("the first rule that matches counts, and is named", () => {
  const got = classify({ ...request, instruction: "Ticket 17: explain the parser" });
  assert.deepEqual([got.action, got.tier, got.model, got.confidence], ["implement", "complex", "big", 1]);
  assert.match(got.why, /your rule "\^ticket \\d\+" matches/);
  assert.equal(classify({ ...request, instruction: "about the ticket" }).action, "ask");
});

test("what a rule leaves out is found as ever, and an explicit command keeps its action", () => {
  const tests = classify({ ...request, instruction: "quick: write unit tests" });
  assert.deepEqual([tests.action, tests.tier, tests.model], ["test", "simple", null]);
  const commanded = classify({ ...request, action: "docstring", instruction: "ticket 1" });
  assert.deepEqual([commanded.action, commanded.tier, commanded.model], ["docstring", "complex", "big"]);
});

test("a rule must say something", () => {
  assert.match(RoutingRules.safeParse([{ pattern: "x" }]).error?.message ?? "", /needs an action, a tier or a model/);
});
