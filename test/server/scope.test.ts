import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { folderOf, withinFolders } from "../../server/scope.ts";
import { unixOnly } from "../setup/only.ts";

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

test("a link that leads out of the folders is not followed; folders that are links are", {
  skip: unixOnly,
}, async (t) => {
  const root = await mkdtemp(join(tmpdir(), "tandem-scope-"));
  t.after(() => rm(root, { recursive: true }));
  const at = (name: string) => join(root, name);
  const uri = (name: string) => pathToFileURL(at(name)).href;
  await mkdir(at("work"));
  await writeFile(at("work/a.ts"), "");
  await writeFile(at("secret"), "");
  await symlink(at("secret"), at("work/a.test.ts"));
  await symlink(at("work/a.ts"), at("work/b.ts"));
  await symlink(at("work"), at("project"));
  const files = withinFolders(everything, [uri("project")]);
  const isRead = async (name: string) => (await files.readText(uri(name))) !== null;
  assert.deepEqual(await Promise.all(["project/a.ts", "project/b.ts", "work/a.ts", "project/a.test.ts"].map(isRead)), [
    true,
    true,
    true,
    false,
  ]);
});
