import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Part } from "../../server/core/cut.ts";
import { createAuditPrompts } from "../../server/core/prompts/audit.ts";
import { readVerdict, VERDICT_SHAPE, type Verdict } from "../../server/core/prompts/verdict.ts";

const part = (number: number, fromLine: number, text: string): Part => ({
  number,
  fromLine,
  toLine: fromLine + text.split("\n").length - 1,
  text,
  isWhole: false,
});
const PARTS = [part(1, 1, "a();\nb();"), part(2, 3, "c();"), part(3, 4, "")];

test("text prompts only grow, so that what was read stays read", () => {
  const prompts = createAuditPrompts("completion", "Write f.", "const a = 1;");
  const seen = [prompts.opening()];
  for (const it of PARTS) {
    seen.push(prompts.next(it, "part"));
    prompts.answered('{"ok":true}');
  }
  const texts = seen.map((it) => (it.kind === "text" ? it.text : assert.fail("a text was expected")));
  for (const [at, text] of texts.slice(1).entries()) assert.ok(text.startsWith(texts[at] ?? "-"), text);
  assert.match(texts[0] ?? "", /Write f\.[\s\S]*const a = 1;/);
  assert.match(texts[3] ?? "", /1\| a\(\);\n2\| b\(\);[\s\S]*\{"ok":true\}[\s\S]*3\| c\(\);/);
});

test("chat prompts only grow: each begins with all messages of the one before, and roles take turns", () => {
  const prompts = createAuditPrompts("chat", "Write f.", "");
  let before: readonly unknown[] = [];
  for (const it of PARTS) {
    const prompt = prompts.next(it, "part");
    assert.ok(prompt.kind === "chat");
    assert.deepEqual(prompt.messages.slice(0, before.length), before);
    const roles = prompt.messages.map((message) => message.role);
    assert.deepEqual(roles, ["system", ...roles.slice(1).map((_, at) => (at % 2 === 0 ? "user" : "assistant"))]);
    before = prompt.messages;
    prompts.answered("{}");
  }
});

test("the opening of a chat is how its first question begins", () => {
  const prompts = createAuditPrompts("chat", "Write f.", "x");
  const last = (prompt: ReturnType<typeof prompts.opening>) =>
    prompt.kind === "chat" ? (prompt.messages.at(-1)?.content ?? "") : "";
  const opening = last(prompts.opening());
  assert.ok(opening !== "" && last(prompts.next(PARTS[0] as Part, "part")).startsWith(opening));
});

const flag = (line: number, severity: "error" | "warning" | "note", message: string): Verdict => ({
  kind: "flag",
  finding: { line, severity, message, source: "audit" },
});
const UNCLEAR: Verdict = { kind: "unclear" };

/** Verdicts on lines 3 to 5. */
const VERDICTS: readonly (readonly [text: string, want: Verdict])[] = [
  ['{"ok":true}', { kind: "ok" }],
  ['Verdict: {"ok": true}', { kind: "ok" }],
  ['Verdict: {"ok": true} because it is fine', UNCLEAR],
  ['{"ok":false,"line":4,"severity":"error","why":"off by one"}', flag(4, "error", "off by one")],
  ['```json\n{"ok":false,"line":5,"severity":"note","why":" x "}\n```', flag(5, "note", "x")],
  ['{"ok":false,"line":1,"severity":"error","why":"elsewhere"}', flag(3, "error", "elsewhere")],
  [
    '{"ok":false,"line":"4","why":"no severity, line as a string"}',
    flag(3, "warning", "no severity, line as a string"),
  ],
  ['{"ok":false,"line":4.7,"severity":"fatal","why":"unknown"}', flag(4, "warning", "unknown")],
  ['{"ok":false,"line":1e999,"severity":"error","why":"huge"}', flag(3, "error", "huge")],
  ['{"ok":true,"why":"it is fine"}', UNCLEAR],
  ['{"ok":true,"line":4}', UNCLEAR],
  ['{"ok":false,"line":4,"severity":"error","why":"wrong","ok":true}', UNCLEAR],
  ['{"ok":true}{"ok":false,"line":4,"severity":"error","why":"wrong"}', UNCLEAR],
  ['The draft says {"ok":true}, but line 4 is wrong', UNCLEAR],
  ['{"ok":false,"line":4,"severity":"error","why":"prints {\\"ok\\":true}"}', flag(4, "error", 'prints {"ok":true}')],
  ['{"ok":false,"line":4,"severity":"error","why":"never closes </think>"}', flag(4, "error", "never closes </think>")],
  [
    '<think>It is {"ok":true}.</think>{"ok":false,"line":4,"severity":"error","why":"wrong"}',
    flag(4, "error", "wrong"),
  ],
  ['Hm, {"ok":true}?\n</think>\n\n{"ok":false,"line":4,"severity":"error","why":"wrong"}', flag(4, "error", "wrong")],
  ['<think>{"ok":true}', UNCLEAR],
  ['{"ok":false,"why":""}', UNCLEAR],
  ['{"ok":false}', UNCLEAR],
  ['{"ok":"true"}', UNCLEAR],
  ['{"ok":true', UNCLEAR],
  ["{}", UNCLEAR],
  ["[true]", UNCLEAR],
  ["null", UNCLEAR],
  ["looks good to me", UNCLEAR],
  ["", UNCLEAR],
  ["{ok:true}", UNCLEAR],
];
for (const [text, want] of VERDICTS)
  test(`verdict ${JSON.stringify(text)}`, () => assert.deepEqual(readVerdict(text, part(2, 3, "a\nb\nc")), want));

/** What the grammar says, as a regular expression: enough of GBNF to check that it says what it should. */
function asRegExp(gbnf: string): RegExp {
  const rules = new Map(gbnf.split("\n").map((line) => line.split(" ::= ") as [string, string]));
  const expand = (body: string): string =>
    body.replace(/"((?:\\.|[^"\\])*)"|(\[(?:\\.|[^\]\\])*\])|([a-z]+)|\s+/g, (_, literal, set, name) => {
      if (literal !== undefined) return JSON.parse(`"${literal}"`).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      if (set !== undefined) return set;
      return name === undefined ? "" : `(?:${expand(rules.get(name) ?? assert.fail(`no rule ${name}`))})`;
    });
  return new RegExp(`^(?:${expand(rules.get("root") ?? "")})$`);
}

test("the grammar allows verdicts that can be read, and no others", () => {
  const grammar = asRegExp(VERDICT_SHAPE.gbnf);
  const allowed = [
    '{"ok":true}',
    '{"ok":false,"line":4,"severity":"error","why":"off by one"}',
    '{"ok":false,"line":1234,"severity":"note","why":"über"}',
  ];
  for (const it of allowed) {
    assert.match(it, grammar);
    assert.notEqual(readVerdict(it, part(1, 1, "a")).kind, "unclear");
  }
  const forbidden = [
    "",
    "yes",
    '{"ok":true} ',
    '{"ok":false}',
    '{"ok":false,"line":0,"severity":"error","why":"zero"}',
    '{"ok":false,"line":4,"severity":"bad","why":"unknown"}',
    '{"ok":false,"line":4,"severity":"error","why":"a \\" quote"}',
    '{"ok":false,"line":4,"severity":"error","why":"two\nlines"}',
  ];
  for (const it of forbidden) assert.doesNotMatch(it, grammar);
});

test("the schema says what the grammar says", () => {
  const grammar = asRegExp(VERDICT_SHAPE.gbnf);
  const schema = z.fromJSONSchema(VERDICT_SHAPE.jsonSchema as Parameters<typeof z.fromJSONSchema>[0]);
  const rows = [
    '{"ok":true}',
    '{"ok":false}',
    '{"ok":true,"why":"fine as it is"}',
    '{"ok":false,"line":4,"severity":"error","why":"off by one"}',
    '{"ok":false,"line":9999,"severity":"warning","why":"four"}',
    '{"ok":false,"line":10000,"severity":"note","why":"too far"}',
    '{"ok":false,"line":0,"severity":"note","why":"too early"}',
    '{"ok":false,"line":1.5,"severity":"note","why":"half a line"}',
    '{"ok":false,"line":4,"severity":"fatal","why":"unknown"}',
    '{"ok":false,"line":4,"severity":"error","why":"no"}',
    `{"ok":false,"line":4,"severity":"error","why":"${"x".repeat(160)}"}`,
    `{"ok":false,"line":4,"severity":"error","why":"${"x".repeat(161)}"}`,
    '{"ok":false,"severity":"error","why":"no line"}',
    '{"ok":false,"line":4,"severity":"error","why":"more","fix":"this"}',
    "{}",
    "[]",
  ];
  for (const it of rows) assert.equal(schema.safeParse(JSON.parse(it)).success, grammar.test(it), it);
});
