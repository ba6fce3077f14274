import assert from "node:assert/strict";
import { test } from "node:test";
import { createDocuments, type Documents, toSource } from "../../../../server/transport/lsp/editor/documents.ts";
import { silentLog } from "../../../fakes/log.ts";

function open(documents: Documents, uri: string, text: string, languageId = "python"): void {
  tell(documents, "didOpen", { textDocument: { uri, languageId, version: 1, text } });
}

function tell(documents: Documents, method: string, params: object): void {
  documents.notices.get(`textDocument/${method}`)?.(params);
}

function change(documents: Documents, uri: string, contentChanges: readonly object[]): void {
  tell(documents, "didChange", { textDocument: { uri, version: 2 }, contentChanges });
}

const at = (line: number, character: number) => ({ line, character });

test("a document is found however its URI is spelled, under the editor's spelling and VS Code's language", () => {
  const documents = createDocuments(silentLog);
  open(documents, "file:///c%3A/%5Bid%5D.cs", "x", "c-sharp");
  const found = documents.find("file:///c:/[id].cs");
  assert.deepEqual(found && toSource(found), {
    uri: "file:///c%3A/%5Bid%5D.cs",
    languageId: "csharp",
    version: 1,
    text: "x",
  });
  open(documents, "file:///100%", "y");
  assert.equal(documents.find("file:///100%")?.getText(), "y");
});

test("changes come one after the other, in UTF-16, and beyond the end is the end", () => {
  const documents = createDocuments(silentLog);
  open(documents, "file:///a.py", "😀b\r\nc");
  change(documents, "file:///a.py", [
    { range: { start: at(0, 2), end: at(0, 3) }, text: "B" },
    { range: { start: at(9, 9), end: at(9, 9) }, text: "!" },
    { range: { start: at(1, 0), end: at(1, 1) }, text: "C" },
  ]);
  assert.equal(documents.find("file:///a.py")?.getText(), "😀B\r\nC!");
  change(documents, "file:///a.py", [{ text: "all new" }]);
  assert.equal(documents.find("file:///a.py")?.getText(), "all new");
});

test("the last touched come first", () => {
  const documents = createDocuments(silentLog);
  for (const name of ["a", "b", "c"]) open(documents, `file:///${name}`, name);
  change(documents, "file:///a", [{ text: "A" }]);
  assert.deepEqual(
    documents.recent(2).map((it) => it.getText()),
    ["A", "c"],
  );
});

const big = "x".repeat(1_900_000);

test("a document that is or becomes too large is not followed, and may come back smaller", () => {
  const documents = createDocuments(silentLog);
  open(documents, "file:///a", `${big}${big}`);
  assert.equal(documents.find("file:///a"), null);
  change(documents, "file:///a", [{ range: { start: at(0, 0), end: at(0, 1) }, text: "" }]);
  assert.equal(documents.find("file:///a"), null, "a change to what is not there makes nothing");
  open(documents, "file:///b", big);
  change(documents, "file:///b", [{ range: { start: at(0, 0), end: at(0, 0) }, text: big }]);
  assert.equal(documents.find("file:///b"), null);
  open(documents, "file:///b", "small");
  assert.equal(documents.find("file:///b")?.getText(), "small");
});

test("documents are bounded in number and in all their text, and closing makes room", () => {
  const documents = createDocuments(silentLog);
  for (let count = 0; count < 600; count++) open(documents, `file:///${count}`, "x");
  assert.equal(documents.recent(1_000).length, 500);
  tell(documents, "didClose", { textDocument: { uri: "file:///7" } });
  open(documents, "file:///new", "x");
  assert.ok(documents.find("file:///new"));

  const heavy = createDocuments(silentLog);
  for (let count = 0; count < 40; count++) open(heavy, `file:///${count}`, big);
  const kept = heavy.recent(100).length;
  assert.equal(kept, Math.floor(64_000_000 / big.length));
  // What goes and what changes is counted as well as what comes.
  change(heavy, "file:///0", [{ text: "" }]);
  tell(heavy, "didClose", { textDocument: { uri: "file:///1" } });
  for (let count = 40; count < 50; count++) open(heavy, `file:///${count}`, big);
  assert.equal(heavy.recent(100).length, kept + 1);
});

test("a notification of more work than a moment's ends the following of its document, not the process's", () => {
  const documents = createDocuments(silentLog);
  open(documents, "file:///a", big);
  const one = { range: { start: at(0, 0), end: at(0, 1) }, text: "y" };
  change(
    documents,
    "file:///a",
    Array.from({ length: 100_000 }, () => one),
  );
  assert.equal(documents.find("file:///a"), null);
});
