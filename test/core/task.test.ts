import assert from "node:assert/strict";
import { test } from "node:test";
import { draftJob } from "../../server/core/prompts/job.ts";
import { type Task, understand } from "../../server/core/task.ts";
import { RunParams } from "../../server/protocol/run.ts";
import { modelOf, syntax } from "./placing.ts";

const FILE = "function first() {\n  return 1;\n}\n\nfunction second() {\n  return 2;\n}\n";
const BROKEN = "function first() {\n  return 1;\n}\n\nfunction second() {\n  return (2;\n}\n";
const at = (line: number) => ({ start: { line, character: 2 }, end: { line, character: 2 } });

async function ask(params: Parameters<typeof RunParams.parse>[0], text: string | null) {
  const document = text === null ? {} : { document: { uri: "file:///a.ts", languageId: "typescript", text } };
  const parsed = RunParams.parse({ ...(params as object), ...document });
  return understand(parsed, await syntax.outline(text ?? "", "typescript"));
}

interface Case {
  readonly name: string;
  readonly params: Parameters<typeof RunParams.parse>[0];
  readonly text: string | null;
  /** What the refusal says, or what the task is about. */
  readonly refused?: RegExp;
  readonly about?: string;
}

const CASES: readonly Case[] = [
  {
    name: "nothing asked",
    params: { instruction: "  " },
    text: FILE,
    refused: /^bad-input: Neither an action nor an instruction/,
  },
  {
    name: "too much asked",
    params: { instruction: "x".repeat(20_001) },
    text: FILE,
    refused: /^context-length: The instruction has 20001/,
  },
  {
    name: "no file",
    params: { instruction: "fix the bug" },
    text: null,
    refused: /^bad-input: There is no file to fix/,
  },
  { name: "no file, but a question", params: { instruction: "is Rust fast?" }, text: null, about: "none" },
  {
    name: "a file too large",
    params: { action: "fix" },
    text: "a\n".repeat(500_001),
    refused: /^bad-input: The file has 1.0 million/,
  },
  { name: "a binary file", params: { action: "fix" }, text: "a\0b", refused: /^bad-input: The file is binary/ },
  { name: "an empty file", params: { action: "docstring" }, text: " \n", refused: /nothing to document/ },
  {
    name: "new code for an empty file",
    params: { action: "implement", instruction: "a queue" },
    text: "",
    about: "gap",
  },
  {
    name: "what does not parse",
    params: { action: "refactor", instruction: "second" },
    text: BROKEN,
    refused: /does not parse: .* at line 6/,
  },
  {
    name: "a name in a file that does not parse",
    params: { action: "refactor", instruction: "first" },
    text: BROKEN,
    refused: /does not parse/,
  },
  {
    name: "a part that parses of a file that does not",
    params: { action: "refactor", range: at(1) },
    text: BROKEN,
    about: "first",
  },
  {
    name: "a part that does not parse, to mend",
    params: { action: "fix", range: at(5) },
    text: BROKEN,
    about: "second",
  },
  { name: "what does not parse may be explained", params: { action: "explain" }, text: BROKEN, about: "selection" },
  {
    name: "not clear what",
    params: { instruction: "fix it" },
    text: FILE,
    refused: /not clear what to fix: the request names nothing.*\| Name one of first, second, or give a range/,
  },
  {
    name: "more than one of that name",
    params: { instruction: "fix first" },
    text: `${FILE}function first() {}\n`,
    refused: /first is declared in lines 1, 8/,
  },
  { name: "a name", params: { instruction: "document second" }, text: FILE, about: "second" },
];

function check({ name, params, text, refused, about }: Case): void {
  test(name, async () => {
    const task = await ask(params, text);
    if (task.kind === "refused") {
      assert.match(`${task.code}: ${task.message} | ${task.nextStep}`, refused ?? /no refusal expected/);
      assert.notEqual(task.nextStep, "");
      return;
    }
    const { target } = task;
    assert.equal(target.kind === "declaration" ? target.declaration.name : target.kind, about);
  });
}
for (const it of CASES) check(it);

test("only messages that touch the target come along", async () => {
  const message = (line: number) => ({ range: at(line), severity: "error", message: `line ${line}` });
  const params = { action: "fix", range: at(5), diagnostics: [message(1), message(4), message(5), message(7)] };
  const task = (await ask(params, FILE)) as Task;
  assert.deepEqual(
    task.diagnostics.map((it) => it.message),
    ["line 4", "line 5"],
  );
});

const job = async (
  params: Parameters<typeof ask>[0],
  style: "chat" | "completion",
  contextTokens = 8_192,
  text = FILE,
) =>
  draftJob((await ask(params, text)) as Task, {
    model: { ...modelOf(style), contextTokens },
    companion: null,
    maxTokens: 2_048,
  });

test("a prompt leaves room for the answer, or is refused", async () => {
  const fits = await job({ action: "fix", range: at(1) }, "chat", 1_024);
  assert.ok(fits.kind === "job" && fits.maxTokens <= 512);
  const long = `function first() {\n${"  call(1, 2, 3);\n".repeat(400)}}\n`;
  for (const style of ["chat", "completion"] as const) {
    const refused = await job({ action: "fix", range: at(1) }, style, 1_024, long);
    assert.ok(refused.kind === "refused" && refused.code === "context-length", style);
  }
});

test("no draft and no answer is longer than the user's ceiling", async () => {
  const wanted = [
    { action: "fix", range: at(5) },
    { action: "docstring", range: at(5) },
    { action: "ask", instruction: "what is it for?" },
  ];
  for (const style of ["chat", "completion"] as const)
    for (const params of wanted) {
      const model = modelOf(style);
      for (const isTrial of [true, false]) {
        const task = (await ask(params, FILE)) as Task;
        const made = draftJob(task, { model: { ...model, isTrial }, companion: null, maxTokens: 48 });
        assert.ok(made.kind === "job" && made.maxTokens <= 48, `${params.action} ${style} ${isTrial}`);
      }
    }
});

test("a completion model is shown its code up to where it goes on", async () => {
  const made = await job({ action: "fix", range: at(5), instruction: "must be 3" }, "completion");
  assert.ok(made.kind === "job" && made.prompt.kind === "text");
  assert.match(made.prompt.text, /must be 3[\s\S]*return 2;[\s\S]*function second\(\) \{\n$/);
});

test("a chat model is shown the request, the code, and what is around it, each once", async () => {
  const made = await job({ action: "fix", range: at(5), instruction: "must be 3" }, "chat");
  assert.ok(made.kind === "job" && made.prompt.kind === "chat");
  const text = made.prompt.messages.map((it) => it.content).join("\n");
  for (const once of ["must be 3", "return 1;", "return 2;"]) assert.equal(text.split(once).length, 2, once);
});

test("what a model for trying out cannot do is refused with a way on", async () => {
  const wanted = [
    { action: "test", range: at(1) },
    {
      action: "implement",
      instruction: "a queue",
      range: { start: { line: 3, character: 0 }, end: { line: 3, character: 0 } },
    },
    { action: "refactor", range: { start: { line: 0, character: 0 }, end: { line: 6, character: 1 } } },
  ];
  const made = await Promise.all(wanted.map((it) => job(it, "completion")));
  assert.deepEqual(
    made.map((it) => it.kind),
    ["refused", "job", "refused"],
  );
  for (const it of made) if (it.kind === "refused") assert.match(it.nextStep, /\w/);
});

test("no edit without a place, no answer with one", async () => {
  const kinds = ["explain", "ask", "fix", "docstring", "refactor"];
  const places = await Promise.all(kinds.map((action) => job({ action, instruction: "x", range: at(1) }, "chat")));
  assert.deepEqual(
    places.map((it) => it.kind === "job" && it.place !== null),
    [false, false, true, true, true],
  );
});
