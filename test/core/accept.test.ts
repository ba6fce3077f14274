import assert from "node:assert/strict";
import { test } from "node:test";
import { applied, objection, syntaxFindings, toEdit } from "../../server/core/accept.ts";
import type { Placement } from "../../server/core/prompt.ts";
import { type Task, understand } from "../../server/core/task.ts";
import { type Action, RunParams } from "../../server/protocol/run.ts";
import type { Range } from "../../server/protocol/source.ts";
import { fenced, place, syntax } from "./placing.ts";

interface Case {
  readonly name: string;
  readonly language?: string;
  readonly action: Action;
  readonly text: string;
  /** A chat model's code. */
  readonly code: string;
  readonly want: RegExp | null;
}

const STUB = 'function f‸(a: number): number {\n  throw new Error("not implemented");\n}\n';
const repeated = (lines: string, times: number) =>
  `function f(a: number): number {\n${lines.repeat(times)}  return a;\n}`;

const CASES: readonly Case[] = [
  { name: "nothing", action: "implement", text: STUB, code: "", want: /^the model wrote nothing$/ },
  {
    name: "the same again",
    action: "fix",
    text: "function f‸() {\n  return 1;\n}\n",
    code: "function f() {\n  return 1;\n}",
    want: /changes nothing/,
  },
  {
    name: "a line over and over",
    action: "implement",
    text: STUB,
    code: repeated("  a += 1;\n", 5),
    want: /repeats itself: "a \+= 1;"/,
  },
  {
    name: "three lines over and over",
    action: "implement",
    text: STUB,
    code: repeated("  if (a) {\n    a--;\n  }\n\n", 5),
    want: /repeats itself/,
  },
  { name: "a line four times", action: "implement", text: STUB, code: repeated("  a += 1;\n", 4), want: null },
  {
    name: "the same return in many cases",
    action: "implement",
    text: STUB,
    code: `function f(a: number): number {\n  switch (a) {\n${[1, 2, 3, 4, 5, 6].map((it) => `    case ${it}:\n      a += ${it};\n      break;\n`).join("")}  }\n  return a;\n}`,
    want: null,
  },
  {
    name: "what does not parse",
    action: "implement",
    text: STUB,
    code: "function f(a: number): number {\n  return (a;\n}",
    want: /^it does not parse: .* at line 2$/,
  },
  { name: "prose instead of code", action: "implement", text: STUB, code: "I cannot do that.", want: /does not parse/ },
  {
    name: "another name",
    action: "implement",
    text: STUB,
    code: "function g(a: number): number {\n  return a;\n}",
    want: /^f is gone/,
  },
  {
    name: "a refactoring may rename",
    action: "refactor",
    text: STUB,
    code: "function g(a: number): number {\n  return a;\n}",
    want: null,
  },
  {
    name: "still to be written",
    action: "implement",
    text: STUB,
    code: 'function f(a: number): number {\n  // TODO\n  throw new Error("TODO: f");\n}',
    want: /still empty/,
  },
  {
    name: "a todo list is no stub",
    action: "implement",
    text: STUB,
    code: "function f(a: number): number {\n  return todoItems.implemented;\n}",
    want: null,
  },
  {
    name: "Python, only a docstring",
    language: "python",
    action: "implement",
    text: "def f‸(a):\n    pass\n",
    code: 'def f(a):\n    """A."""\n    pass',
    want: /still empty/,
  },
  {
    name: "Rust, still todo",
    language: "rust",
    action: "implement",
    text: "fn f‸() -> i32 {\n    todo!()\n}\n",
    code: "fn f() -> i32 {\n    unimplemented!()\n}",
    want: /still empty/,
  },
  {
    name: "a namesake that is still empty",
    action: "implement",
    text: "class A { f() {} }\nclass B {\n  f‸() {}\n}\n",
    code: "f() {\n  return 1;\n}",
    want: null,
  },
  {
    name: "no comment in the answer",
    action: "docstring",
    text: "function f‸() {\n  return 1;\n}\n",
    code: "function f() {\n  return 1;\n}",
    want: /wrote nothing/,
  },
  {
    name: "an error that was there before, elsewhere",
    action: "fix",
    text: "function f‸() {\n  return 1;\n}\nconst = 2;\n",
    code: "function f() {\n\n  return 2;\n}",
    want: null,
  },
  {
    name: "the error that was to be mended",
    action: "fix",
    text: "function f‸() {\n  return (1;\n}\n",
    code: "function f() {\n  return ((1;\n}",
    want: /syntax error is still there|does not parse/,
  },
  {
    name: "the error mended",
    action: "fix",
    text: "function f‸() {\n  return (1;\n}\n",
    code: "function f() {\n  return 1;\n}",
    want: null,
  },
  {
    name: "no grammar, nothing to check",
    language: "cobol",
    action: "refactor",
    text: "«A B»\n",
    code: "C D ((",
    want: null,
  },
];

function check(it: Case): void {
  test(`${it.action}: ${it.name}`, async () => {
    const answer = it.code === "" ? "" : fenced(it.code);
    const { objection: why } = await place({ ...it, language: it.language ?? "typescript", style: "chat", answer });
    if (it.want === null) assert.equal(why, null);
    else assert.match(why ?? "no objection", it.want);
  });
}
for (const it of CASES) check(it);

const OLD = "const a = 1;\nconst b = 2;\nconst c = 3;\n";
const LINE_2: Range = { start: { line: 1, character: 0 }, end: { line: 1, character: 12 } };

async function judge(draft: string, { text = OLD, action = "refactor" as Action, range = LINE_2 } = {}) {
  const document = { uri: "file:///a.ts", languageId: "typescript", text };
  const before = await syntax.outline(text, "typescript");
  const params = RunParams.parse({ action, instruction: "do", document, range });
  const task = understand(params, before) as Task;
  const place: Placement = { ...document, version: null, range, before: "const b = 2;", isNewFile: false };
  const edit = toEdit(place, draft);
  const after = await syntax.outline(applied(place, edit), "typescript");
  return { task, place, companion: null, edit, written: draft, before, after, isCutOff: true };
}

test("a new error beside an old one is an objection, even when the parser sees them as one", async () => {
  const text = OLD.replace("const c = 3;", "const c = 3 3;");
  assert.match(objection(await judge("const b = f(2;", { text })) ?? "", /does not parse/);
  assert.equal(objection(await judge("const b =\n  f(2);", { text })), null);
});

test("a draft that was cut off says so", async () =>
  assert.match(objection(await judge("const b = f(2")) ?? "", /cut off by the token limit/));

test("findings point to the draft's own lines", async () => {
  const judged = await judge("const b = 2;\nconst d = 4 4;");
  assert.deepEqual(syntaxFindings(judged), [
    { line: 2, severity: "error", message: 'unexpected "4"', source: "syntax" },
  ]);
});

test("an edit says what stood there, and takes on the file's line breaks", async () => {
  const { edit, place } = await judge("const b =\n  2;", { text: OLD.replaceAll("\n", "\r\n") });
  assert.deepEqual([edit.before, edit.after, edit.range], ["const b = 2;", "const b =\r\n  2;", LINE_2]);
  assert.equal(applied(place, edit), "const a = 1;\r\nconst b =\r\n  2;\r\nconst c = 3;\r\n");
});
