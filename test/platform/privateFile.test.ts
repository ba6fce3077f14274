import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readPrivateFile, writePrivateFile } from "../../server/platform/privateFile.ts";
import { rootOnly, unixOnly } from "../setup/only.ts";
import { asNobody, NOBODY } from "./asNobody.ts";

const MODULE = import.meta.resolve("../../server/platform/privateFile.ts");
const isUnix = process.platform !== "win32";
const root = await mkdtemp(join(tmpdir(), "tandem-"));
after(() => rm(root, { recursive: true, force: true }));

test("what is written can be read, by this user alone, and nothing else is left", async () => {
  const folder = join(root, "one");
  await mkdir(folder);
  const path = join(folder, "key");
  assert.equal(await readPrivateFile(path), null);
  await writePrivateFile(path, "first");
  await writePrivateFile(path, "second ✓");
  assert.equal(await readPrivateFile(path), "second ✓");
  if (isUnix) assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["key"]);
});

test("who reads while two write sees one text or the other, whole", async () => {
  const path = join(root, "shared");
  const texts = ["a", "b"].map((it) => it.repeat(100_000));
  await writePrivateFile(path, texts[0] ?? "");
  let isWriting = true;
  const write = async (text: string) => {
    for (let round = 0; round < 20; round++) await writePrivateFile(path, text);
  };
  const writing = Promise.all(texts.map(write)).finally(() => {
    isWriting = false;
  });
  while (isWriting) assert.ok(texts.includes((await readPrivateFile(path)) ?? ""));
  await writing;
});

test("where nothing can be written, nothing is left", async () => {
  const folder = join(root, "full");
  await mkdir(join(folder, "key"), { recursive: true });
  await assert.rejects(writePrivateFile(join(folder, "key"), "secret"));
  assert.deepEqual(await readdir(folder), ["key"]);
});

for (const mode of [0o640, 0o604, 0o644])
  test(`mode ${mode.toString(8)} is refused`, { skip: unixOnly }, async () => {
    const path = join(root, `mode-${mode}`);
    await writeFile(path, "secret");
    await chmod(path, mode);
    await assert.rejects(readPrivateFile(path), { code: "not-configured", message: /can be read by others/ });
  });

test("a link is refused", { skip: unixOnly }, async () => {
  await writePrivateFile(join(root, "real"), "secret");
  await symlink(join(root, "real"), join(root, "link"));
  await assert.rejects(readPrivateFile(join(root, "link")), { code: "not-configured" });
});

test("a folder and a named pipe are refused, and not waited for", { skip: unixOnly }, async () => {
  const pipe = join(root, "pipe");
  execFileSync("mkfifo", ["-m", "600", pipe]);
  await assert.rejects(readPrivateFile(pipe), { code: "not-configured", message: /not a file/ });
  await assert.rejects(readPrivateFile(root), { code: "not-configured", message: /not a file/ });
});

test("another user's is refused, even by root", { skip: rootOnly }, async () => {
  const path = join(root, "theirs");
  await writePrivateFile(path, "planted");
  await chown(path, NOBODY, NOBODY);
  await assert.rejects(readPrivateFile(path), { code: "not-configured", message: /belongs to another user/ });
});

test("another user cannot read ours", { skip: rootOnly }, async () => {
  const path = join(root, "ours");
  await writePrivateFile(path, "secret");
  await chmod(root, 0o755);
  assert.match(await asNobody(MODULE, "readPrivateFile", path), /cannot be read/);
});
