import assert from "node:assert/strict";
import { test } from "node:test";
import { folderOf, withinFolders } from "../../server/scope.ts";

const everything = {
  readText: async (uri: string) => `text of ${uri}`,
  list: async (uri: string) => [`entry of ${uri}`],
};

const cases: readonly { folders: string[]; uri: string; isRead: boolean }[] = [
  { folders: [], uri: "file:///anywhere/a.ts", isRead: true },
  { folders: ["file:///work"], uri: "file:///work/src/a.ts", isRead: true },
  { folders: ["file:///work/"], uri: "file:///work/a%20b.ts", isRead: true },
  { folders: ["file:///work"], uri: "file:///workshop/a.ts", isRead: false },
  { folders: ["file:///work"], uri: "file:///work/../secret/a.ts", isRead: false },
  { folders: ["file:///work"], uri: "file:///work/%2e%2e/secret/a.ts", isRead: false },
  { folders: ["file:///work"], uri: "file:///work/..a.ts", isRead: true },
  { folders: ["file:///work", "file:///other"], uri: "file:///other/a.ts", isRead: true },
  { folders: ["file:///work"], uri: "https://example.org/work/a.ts", isRead: false },
  { folders: ["vscode-remote://box/work"], uri: "file:///work/a.ts", isRead: false },
];

for (const { folders, uri, isRead } of cases)
  test(`${uri} with ${folders.join(", ") || "no folders"}: ${isRead ? "read" : "not there"}`, async () => {
    const files = withinFolders(everything, folders);
    assert.equal((await files.readText(uri)) !== null, isRead);
    assert.equal((await files.list(uri)).length > 0, isRead);
  });

test("a document's folder is part of its scope; a text without a file has none", () => {
  assert.deepEqual(folderOf("file:///loose/a.ts"), ["file:///loose/"]);
  assert.deepEqual(folderOf("untitled:Untitled-1"), []);
  assert.deepEqual(folderOf(undefined), []);
});
