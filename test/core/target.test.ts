import assert from "node:assert/strict";
import { test } from "node:test";
import { findTarget, isStub } from "../../server/core/target.ts";
import { describeTarget } from "../../server/core/task.ts";
import { slice } from "../../server/core/text.ts";
import type { Action } from "../../server/protocol/run.ts";
import { parse, syntax } from "./placing.ts";

const FILE = `/** Adds. */
export function add(a: number, b: number): number {
  return a + b;
}

export class Shop {
  items: number[] = [];

  @Log()
  total(): number {
    return this.items.length;
  }

  add(item: number): void {
    this.items.push(item);
  }
}

export const twice = (x: number) => x * 2;

function later(): void {}
`;

interface Case {
  readonly name: string;
  readonly action?: Action;
  readonly instruction?: string;
  readonly text?: string;
  /** Put into the text in the place of the same without marks. */
  readonly marks?: string;
  readonly language?: string;
  /** The declaration's name, "lines 2-3", "new code at line 4" or null. */
  readonly want: string | null;
  /** The first line of what is meant. */
  readonly starts?: string;
}

const CASES: readonly Case[] = [
  { name: "a name", instruction: "fix total", want: "total" },
  { name: "a name as code", instruction: "document `twice` please", want: "twice" },
  { name: "the first of several names", instruction: "make total use later", want: "total" },
  {
    name: "the first, though another is longer",
    instruction: "fix total so that it no longer calls twice",
    want: "total",
  },
  {
    name: "an ordinary word right behind the action, if it is clear which",
    instruction: "fix list",
    text: "function list() {}\nfunction other() {}\n",
    want: "list",
  },
  {
    name: "an ordinary word behind the action that belongs to others",
    instruction: "fix list errors",
    text: "function list() {}\nfunction other() {}\n",
    want: null,
  },
  {
    name: "a function that is new, though a stub waits",
    action: "implement",
    instruction: "add a function median to the file",
    want: "new code at line 22",
  },
  {
    name: "a function that is new and uses one that is there",
    action: "implement",
    instruction: "implement a function average that uses total",
    want: "new code at line 22",
  },
  { name: "a function that is there", action: "implement", instruction: "implement the function later", want: "later" },
  { name: "no part of a word", instruction: "do it twicely, totals", want: null },
  { name: "an ordinary word is no name", instruction: "add a docstring to twice", want: "twice" },
  { name: "unless it is marked", instruction: "fix the add function", want: null },
  { name: "with its class, it is clear which", instruction: "fix Shop.add", want: "add", starts: "add(item" },
  { name: "the class alone", instruction: "explain Shop", want: "Shop" },
  {
    name: "a class that is called one, whatever is said of its inside",
    instruction: "Fix the class Shop: total is wrong",
    want: "Shop",
  },
  { name: "a method of a class that is called one", instruction: "fix total of the class Shop", want: "total" },
  { name: "a method and its class", instruction: "fix the total of Shop", want: "total" },
  { name: "nothing named, several declared", instruction: "fix it", want: null },
  {
    name: "nothing named, explained is the whole file",
    action: "explain",
    instruction: "what is this",
    want: "lines 1-22",
  },
  { name: "the only stub", action: "implement", instruction: "finish this", want: "later" },
  {
    name: "new code at the end",
    action: "implement",
    instruction: "a queue",
    text: "const a = 1;\n",
    want: "new code at line 2",
  },
  { name: "all the file declares", instruction: "tidy", text: "import a;\nfunction only() {}\n", want: "only" },
  { name: "an empty file", action: "explain", instruction: "what is this", text: "\n", want: null },
  { name: "the cursor in a body", marks: "return a ‸+ b", want: "add", starts: "export function add" },
  { name: "the cursor in a method", marks: "return ‸this.items", want: "total" },
  { name: "the cursor in its indentation", marks: " ‸ total()", want: "total" },
  { name: "the cursor in a doc comment", marks: "/** ‸Adds", want: "add" },
  { name: "the cursor in a decorator", marks: "@L‸og()", want: "total" },
  { name: "the cursor in a field", marks: "ite‸ms: number", want: "Shop" },
  { name: "the cursor behind a body", marks: "items.length;\n  }‸", want: "total" },
  {
    name: "the cursor between declarations",
    action: "implement",
    marks: "}\n‸\nexport class",
    want: "new code at line 5",
  },
  {
    name: "the cursor between, a name in the request",
    instruction: "fix twice",
    marks: "}\n‸\nexport class",
    want: "twice",
  },
  {
    name: "a declaration selected with its comment",
    marks: "«/** Adds. */\nexport function add(a: number, b: number): number {\n  return a + b;\n}\n»",
    want: "add",
  },
  {
    name: "a declaration selected without",
    marks: "«export function add(a: number, b: number): number {\n  return a + b;\n}»",
    want: "add",
  },
  {
    name: "a method selected from its first word",
    action: "refactor",
    marks: "«add(item: number): void {\n    this.items.push(item);\n  }»",
    want: "add",
    starts: "add(item",
  },
  { name: "lines inside, to mend", marks: "«    this.items.push(item);\n»", want: "lines 15-15" },
  {
    name: "lines inside, to document",
    action: "docstring",
    marks: "«this.items.push(item)»",
    want: "add",
    starts: "add(item",
  },
  {
    name: "from the middle of one into the next, to document",
    action: "docstring",
    marks: "«return a + b;\n}\n\nexport class Shop {\n  items»",
    want: "Shop",
  },
  {
    name: "several selected, to mend",
    marks: "«export const twice = (x: number) => x * 2;\n\nfunction later(): void {}»",
    want: "lines 19-21",
  },
  {
    name: "only white space is a cursor",
    action: "implement",
    marks: "}\n«\n»export class",
    want: "new code at line 5",
  },
  {
    name: "overloads: the one with a body",
    instruction: "fix parsed",
    text: "function parsed(a: string): void;\nfunction parsed(a: number): void;\nfunction parsed(a: unknown) {}\nconst f = () => 1;\n",
    want: "parsed",
    starts: "function parsed(a: unknown)",
  },
  {
    name: "a short name must be marked",
    instruction: "x is wrong in it",
    text: "function x() {}\nfunction y() {}\n",
    want: null,
  },
  { name: "a short name that is", instruction: "fix x()", text: "function x() {}\nfunction y() {}\n", want: "x" },
  {
    name: "a name with signs",
    instruction: "fix $price",
    text: "const $price = () => 1;\nconst price = () => 2;\n",
    want: "$price",
  },
  { name: "no grammar", instruction: "fix it", text: "A B.\n", language: "cobol", want: null },
];

function check({ name, action = "fix", instruction = "", language = "typescript", ...it }: Case): void {
  test(`${action}: ${name}`, async () => {
    const plain = it.text ?? FILE;
    const marks = it.marks ?? "";
    const bare = marks.replace(/[‸«»]/g, "");
    assert.ok(plain.includes(bare), "the marked text is in the file");
    const params = parse({ action, instruction, language, text: marks ? plain.replace(bare, () => marks) : plain });
    const text = params.document?.text ?? "";
    const outline = await syntax.outline(text, language);
    const target = findTarget({ action, instruction, text, range: params.range ?? null, outline });
    assert.equal(describeTarget(target), it.want, target.why);
    if (it.starts !== undefined) {
      assert.ok(target.kind === "declaration");
      assert.ok(slice(text, target.declaration.range).startsWith(it.starts));
    }
  });
}
for (const it of CASES) check(it);

const STUBS: readonly (readonly [body: string, isStub: boolean])[] = [
  ["", true],
  ["\n  // later\n", true],
  ["/* a\n b */", true],
  ["    # TODO\n    pass", true],
  ['    """Doc."""\n    ...', true],
  ['    """Doc\n\n    pass\n    """', true],
  ["raise NotImplementedError", true],
  ["throw new NotImplementedException();", true],
  ['panic("not implemented")', true],
  ["todo!()", true],
  ['unimplemented!("later")', true],
  ["TODO()", true],
  ['throw new Error("Not yet implemented");', true],
  ["return todos.length;", false],
  ["return 1;", false],
  ["pass_on(x)", false],
  ['raise ValueError("bad")\n# not implemented', false],
  ["todo(1); more();", true],
  ['log("not implemented"); return 1;', false],
  [`throw new Error("not implemented ${"x".repeat(200)}");`, false],
];
for (const [body, want] of STUBS)
  test(`${want ? "a stub" : "no stub"}: ${JSON.stringify(body.slice(0, 50))}`, () => assert.equal(isStub(body), want));
