import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  type CodeAction,
  DiagnosticSeverity,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  ExecuteCommandRequest,
  LSPErrorCodes,
  ResponseError,
  TextDocumentEdit,
  type WorkspaceEdit,
} from "vscode-languageserver-protocol/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { createGate } from "../../../fakes/openaiScript.ts";
import { startFakeLlama } from "../../../fakes/openaiServer.ts";
import { startOrchestrator } from "../../../server/orchestrator.ts";
import { ABLE, CODE, CURSOR, DOC, startEditor, URI } from "./editor.ts";

const DOCUMENTED = `/**\n * Half of the value.\n */\n${CODE}`;
const diagnostic = { range: CURSOR, severity: DiagnosticSeverity.Error, message: "value may be null", source: "ts" };

function titled(actions: readonly CodeAction[], title: string): CodeAction | undefined {
  return actions.find((it) => it.title === title);
}

/** A text after an edit that is about that text alone. */
function applied(text: string, edit: WorkspaceEdit): string {
  const edits = edit.documentChanges
    ? edit.documentChanges.flatMap((it) => (TextDocumentEdit.is(it) ? it.edits : []))
    : Object.values(edit.changes ?? {}).flat();
  const plain = edits.map((it) => ({ range: it.range, newText: "newText" in it ? it.newText : "" }));
  return TextDocument.applyEdits(TextDocument.create("file:///x", "", 0, text), plain);
}

async function errorOf(answer: Promise<unknown>): Promise<ResponseError<unknown>> {
  const error = await answer.then(
    () => null,
    (it: unknown) => it,
  );
  assert.ok(error instanceof ResponseError, String(error));
  return error;
}

test("an action's edit comes with the document's version, and its progress is shown", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  const edit = await editor.resolve(titled(await editor.actions(), "Tandem: write docstring"));
  assert.deepEqual(
    edit.documentChanges?.map((it) => TextDocumentEdit.is(it) && it.textDocument),
    [{ uri: URI, version: 1 }],
  );
  assert.equal(applied(CODE, edit), DOCUMENTED);
  assert.deepEqual([editor.steps[0]?.kind, editor.steps.at(-1)?.kind], ["begin", "end"]);
  assert.ok(editor.steps.some((it) => it.kind === "report" && it.message?.startsWith("writing line")));
});

test("an editor without versions and progress gets plain changes", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  const plain = { textDocument: ABLE.textDocument } as typeof ABLE;
  const editor = await startEditor(orchestrator, fake.url, plain);
  await editor.open(URI, CODE);
  const edit = await editor.resolve(titled(await editor.actions(), "Tandem: write docstring"));
  assert.deepEqual(Object.keys(edit), ["changes"]);
  assert.equal(applied(CODE, edit), DOCUMENTED);
  assert.deepEqual(editor.steps, []);
});

test("a document with Windows line breaks, changed piece by piece", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  const editor = await startEditor(orchestrator, fake.url);
  const uri = "file:///c%3A/work/ha%5Blf%5D.ts";
  await editor.open(uri, "// 😀\r\n\r\n");
  const end = { line: 1, character: 0 };
  await editor.connection.sendNotification(DidChangeTextDocumentNotification.type, {
    textDocument: { uri, version: 2 },
    contentChanges: [
      { range: { start: end, end }, text: CODE.replaceAll("\n", "\r\n") },
      { range: { start: { line: 0, character: 3 }, end: { line: 0, character: 5 } }, text: "one" },
    ],
  });
  const cursor = { start: { line: 1, character: 18 }, end: { line: 1, character: 18 } };
  const edit = await editor.resolve(titled(await editor.actions({ uri, range: cursor }), "Tandem: write docstring"));
  assert.deepEqual(
    edit.documentChanges?.map((it) => TextDocumentEdit.is(it) && it.textDocument),
    [{ uri, version: 2 }],
  );
  const text = `// one\n${CODE}\n`.replaceAll("\n", "\r\n");
  assert.equal(applied(text, edit), `// one\n${DOCUMENTED}\n`.replaceAll("\n", "\r\n"));
});

test("a fix is offered where there are diagnostics, and the model sees them", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({
    reply: () => "```ts\nexport function half(value: number | null): number {\n  return (value ?? 0) / 2;\n}\n```",
  });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  assert.equal(titled(await editor.actions(), "Tandem: fix"), undefined);
  const fixes = await editor.actions({ diagnostics: [diagnostic], only: ["quickfix"] });
  assert.deepEqual(
    fixes.map((it) => it.title),
    ["Tandem: fix"],
  );
  assert.match(applied(CODE, await editor.resolve(fixes[0])), /value \?\? 0/);
  assert.match(fake.requests[0]?.prompt ?? "", /value may be null/);
});

test("new tests go into a new file, those beside an open test file into it", async () => {
  await using orchestrator = await startOrchestrator();
  const imports = ["assert from 'node:assert/strict'", "{ test } from 'node:test'", "{ half } from './half.ts'"];
  const head = imports.map((it) => `import ${it};\n`).join("");
  const added = 'test("half", () => assert.equal(half(4), 2));';
  const replies = [`${head}\n${added}`, added];
  await using fake = await startFakeLlama({ reply: () => `\`\`\`ts\n${replies.shift()}\n\`\`\`` });
  const editor = await startEditor(orchestrator, fake.url);
  const file = join(orchestrator.folder, "half.ts");
  await writeFile(file, CODE);
  const uri = pathToFileURL(file).href;
  await editor.open(uri, CODE);
  const made = await editor.resolve(titled(await editor.actions({ uri }), "Tandem: write tests"));
  const testUri = pathToFileURL(join(orchestrator.folder, "half.test.ts")).href;
  const [create, filled] = made.documentChanges ?? [];
  assert.deepEqual(create, { kind: "create", uri: testUri });
  assert.ok(TextDocumentEdit.is(filled) && filled.textDocument.version === null);
  assert.match(applied("", made), /half\(4\), 2/);

  const tests = `${head}\ntest("nothing", () => assert.ok(half));\n`;
  await editor.open(testUri, tests);
  const grown = await editor.resolve(titled(await editor.actions({ uri }), "Tandem: write tests"));
  assert.deepEqual(
    grown.documentChanges?.map((it) => TextDocumentEdit.is(it) && it.textDocument),
    [{ uri: testUri, version: 1 }],
  );
  assert.match(applied(tests, grown), /nothing[\s\S]*half\(4\), 2/);
});

test("a text that was changed meanwhile is left alone", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  const [action] = await editor.actions({ only: ["refactor.rewrite"] });
  const answer = errorOf(editor.resolve(action));
  await fake.nextRequest();
  await editor.connection.sendNotification(DidChangeTextDocumentNotification.type, {
    textDocument: { uri: URI, version: 2 },
    contentChanges: [{ text: `\n${CODE}` }],
  });
  // Answered after what was sent before it.
  await editor.actions();
  gate.open();
  assert.equal((await answer).code, LSPErrorCodes.ContentModified);
  const late = await errorOf(editor.resolve(action));
  assert.equal(late.code, LSPErrorCodes.ContentModified, "an action from an old menu is not even begun");
  assert.equal(fake.requests.length, 1);
});

test("a file on disk that was changed meanwhile is left alone", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  const tests = "import { test } from 'node:test';\n";
  await using fake = await startFakeLlama({
    reply: () => ({ text: '```ts\ntest("half", () => half(4) === 2);\n```', beforePiece: gate.wait }),
  });
  const editor = await startEditor(orchestrator, fake.url);
  const [file, testFile] = ["half.ts", "half.test.ts"].map((it) => join(orchestrator.folder, it)) as [string, string];
  await writeFile(file, CODE);
  await writeFile(testFile, tests);
  const uri = pathToFileURL(file).href;
  await editor.open(uri, CODE);
  const answer = errorOf(editor.resolve(titled(await editor.actions({ uri }), "Tandem: write tests")));
  await fake.nextRequest();
  await writeFile(testFile, `// Somebody was here.\n${tests}`);
  gate.open();
  assert.equal((await answer).code, LSPErrorCodes.ContentModified);
  assert.match(await readFile(testFile, "utf8"), /Somebody/);
  await rm(testFile);
});

test("stopping the task where its progress is shown reaches the backend", async () => {
  await using orchestrator = await startOrchestrator();
  const gate = createGate();
  await using fake = await startFakeLlama({ reply: () => ({ text: DOC, beforePiece: gate.wait }) });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  const [action] = await editor.actions({ only: ["refactor.rewrite"] });
  const answer = errorOf(editor.resolve(action));
  const seen = await fake.nextRequest();
  gate.open(1);
  await editor.connection.sendNotification("window/workDoneProgress/cancel", { token: await editor.nextToken });
  assert.equal((await answer).code, LSPErrorCodes.RequestCancelled);
  await seen.clientLeft;
});

test("the command explains, and edits by instruction", async () => {
  await using orchestrator = await startOrchestrator();
  const replies = ["It halves.", DOC];
  await using fake = await startFakeLlama({ reply: () => replies.shift() ?? "" });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  const call = (argument: object) =>
    editor.connection.sendRequest(ExecuteCommandRequest.type, { command: "tandem.run", arguments: [argument] });
  const told = await call({ action: "explain", uri: URI, range: CURSOR });
  assert.equal(told.markdown, "It halves.");
  assert.equal(told.edit, null);
  const edited = await call({ instruction: "document half", uri: URI });
  assert.equal(applied(CODE, edited.edit), DOCUMENTED);
});

interface Place {
  readonly name: string;
  readonly uri: string;
  readonly languageId: string;
  readonly text: string;
  readonly want: readonly string[];
}

const EDITS = ["Tandem: write docstring", "Tandem: refactor", "Tandem: implement"];
const places: readonly Place[] = [
  { name: "an empty text", uri: "untitled:1", languageId: "python", text: " \n", want: [] },
  { name: "a text that was never saved", uri: "untitled:1", languageId: "python", text: "x = 1\n", want: EDITS },
  { name: "code", uri: URI, languageId: "python", text: "x = 1\n", want: [...EDITS, "Tandem: write tests"] },
  { name: "prose", uri: URI, languageId: "markdown", text: "# Title\n", want: ["Tandem: refactor"] },
];

for (const it of places)
  test(`offered in ${it.name}`, async () => {
    await using orchestrator = await startOrchestrator();
    const editor = await startEditor(orchestrator, "http://127.0.0.1:9");
    await editor.open(it.uri, it.text, it.languageId);
    const offered = await editor.actions({ uri: it.uri });
    assert.deepEqual(
      offered.map((action) => action.title),
      it.want,
    );
  });

test("nothing is offered where nothing can be done: a closed document, an editor that cannot ask for an edit", async () => {
  await using orchestrator = await startOrchestrator();
  const editor = await startEditor(orchestrator, "http://127.0.0.1:9");
  assert.deepEqual(await editor.actions(), []);
  await editor.open(URI, CODE);
  assert.notDeepEqual(await editor.actions(), []);
  await editor.connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri: URI } });
  assert.deepEqual(await editor.actions(), []);
  const simple = await startEditor(orchestrator, "http://127.0.0.1:9", {});
  await simple.open(URI, CODE);
  assert.deepEqual(await simple.actions(), []);
});

test("the character under a block cursor is a cursor", async () => {
  await using orchestrator = await startOrchestrator();
  await using fake = await startFakeLlama({ reply: () => DOC });
  const editor = await startEditor(orchestrator, fake.url);
  await editor.open(URI, CODE);
  const block = { start: { line: 1, character: 4 }, end: { line: 1, character: 5 } };
  const edit = await editor.resolve(titled(await editor.actions({ range: block }), "Tandem: write docstring"));
  assert.equal(applied(CODE, edit), DOCUMENTED);
});

test("what went wrong says what to do, in the message", async () => {
  await using orchestrator = await startOrchestrator();
  const editor = await startEditor(orchestrator, "http://127.0.0.1:9");
  const command = { command: "tandem.run", arguments: [{ action: "explain", uri: URI }] };
  const closed = await errorOf(editor.connection.sendRequest(ExecuteCommandRequest.type, command));
  assert.match(closed.message, /has not opened.*Open the file first/);
  await editor.open(URI, CODE);
  const unreachable = await errorOf(editor.connection.sendRequest(ExecuteCommandRequest.type, command));
  assert.match(unreachable.message, /127\.0\.0\.1:9.*\. .+\.$/);
  const other = await errorOf(editor.connection.sendRequest(ExecuteCommandRequest.type, { command: "rm" }));
  assert.match(other.message, /no command rm, only tandem\.run and tandem\.acceptNow/);
});

test("our own clients are offered none of this", async () => {
  await using orchestrator = await startOrchestrator();
  const { connection } = await orchestrator.connect({});
  const answer = connection.sendRequest(ExecuteCommandRequest.type, { command: "tandem.run" });
  assert.match((await errorOf(answer)).message, /no method/);
});
