import assert from "node:assert/strict";
import { chmod, chown, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ensurePrivateFolder } from "../../server/platform/privateFolder.ts";
import { rootOnly, unixOnly } from "../setup/only.ts";
import { asNobody, NOBODY } from "./asNobody.ts";

const MODULE = import.meta.resolve("../../server/platform/privateFolder.ts");
const isUnix = process.platform !== "win32";
const root = await mkdtemp(join(tmpdir(), "tandem-"));
after(() => rm(root, { recursive: true, force: true }));

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test("it is created, with those it lies in, for this user alone", async () => {
  const path = join(root, "new", "deep");
  await ensurePrivateFolder(path);
  await ensurePrivateFolder(path);
  assert.ok((await stat(path)).isDirectory());
  if (isUnix) assert.deepEqual([await modeOf(path), await modeOf(join(root, "new"))], ["700", "700"]);
});

test("one of ours that others can look into is tightened", { skip: unixOnly }, async () => {
  const path = join(root, "open");
  await mkdir(path);
  await chmod(path, 0o777);
  await ensurePrivateFolder(path);
  assert.equal(await modeOf(path), "700");
});

test("a file in its place is refused", async () => {
  const path = join(root, "file");
  await writeFile(path, "");
  await assert.rejects(ensurePrivateFolder(path), { name: "TandemError", code: "not-configured" });
});

test("a link in its place is refused, and what it leads to is left as it is", { skip: unixOnly }, async () => {
  const target = join(root, "target");
  await mkdir(target);
  await chmod(target, 0o755);
  await symlink(target, join(root, "link"));
  await assert.rejects(ensurePrivateFolder(join(root, "link")), { code: "not-configured", message: /is a link/ });
  assert.equal(await modeOf(target), "755");
});

test("another user's is refused, even by root", { skip: rootOnly }, async () => {
  const path = join(root, "theirs");
  await mkdir(path, { mode: 0o700 });
  await chown(path, NOBODY, NOBODY);
  await assert.rejects(ensurePrivateFolder(path), { code: "not-configured", message: /belongs to another user/ });
});

test("a user without rights refuses root's, open or closed", { skip: rootOnly }, async () => {
  const outer = await mkdtemp(join(tmpdir(), "tandem-"));
  try {
    await chmod(outer, 0o755);
    for (const mode of [0o777, 0o700]) {
      const path = join(outer, mode.toString(8));
      await mkdir(path);
      await chmod(path, mode);
      assert.match(await asNobody(MODULE, "ensurePrivateFolder", path), /another user/);
      assert.equal(await modeOf(path), mode.toString(8));
    }
    assert.match(await asNobody(MODULE, "ensurePrivateFolder", join(outer, "new")), /cannot be created/);
  } finally {
    await rm(outer, { recursive: true });
  }
});
