import assert from "node:assert/strict";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { TandemError } from "../../server/errors.ts";
import { createFiles } from "../../server/files.ts";
import { linuxOnly } from "../setup/only.ts";

const textOf = (path: string) => createFiles().readText(pathToFileURL(path).href);

test("a file that is larger than any source is refused, and not read", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tandem-files-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "a.ts");
  await writeFile(path, "let a;");
  assert.equal(await textOf(path), "let a;");
  await truncate(path, 1024 ** 3);
  await assert.rejects(textOf(path), (error) => error instanceof TandemError && error.code === "bad-input");
});

test("what is no file, and would never end, is not read", { skip: linuxOnly }, async () => {
  await assert.rejects(textOf("/dev/zero"), (error) => error instanceof TandemError && error.code === "bad-input");
});
