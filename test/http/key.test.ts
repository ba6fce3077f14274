import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { TandemError } from "../../server/errors.ts";
import { loadKey, rotateKey } from "../../server/transport/http/key.ts";
import { unixOnly } from "../setup/only.ts";
import { startDoor } from "./door.ts";

async function folder() {
  const path = await mkdtemp(join(tmpdir(), "tandem-key-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test("the first use makes a key, later ones find it", async () => {
  await using state = await folder();
  const file = await loadKey(state.path);
  const key = await file.current();
  assert.match(key, /^tandem-[A-Za-z0-9_-]{43}$/);
  assert.equal((await readFile(file.path, "utf8")).trim(), key);
  assert.equal(await (await loadKey(state.path)).current(), key);
});

test("nobody else can read it", { skip: unixOnly }, async () => {
  await using state = await folder();
  const { path } = await loadKey(state.path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await chmod(path, 0o644);
  await assert.rejects(loadKey(state.path), (error) => error instanceof TandemError && error.code === "not-configured");
});

test("a key made elsewhere counts at once, and again", async () => {
  await using state = await folder();
  const file = await loadKey(state.path);
  const seen = new Set([await file.current()]);
  for (let round = 0; round < 5; round++) {
    assert.equal(await rotateKey(state.path), file.path);
    seen.add(await file.current());
  }
  assert.equal(seen.size, 6);
});

test("a file that is gone leaves no key", async () => {
  await using state = await folder();
  const file = await loadKey(state.path);
  await rm(file.path);
  assert.equal(await file.current(), "");
});

for (const text of ["", "short", "has spaces in it but is long enough"])
  test(`${JSON.stringify(text)} is no key`, async () => {
    await using state = await folder();
    await writeFile(join(state.path, "http-key"), text, { mode: 0o600 });
    await assert.rejects(
      loadKey(state.path),
      (error) => error instanceof TandemError && /holds no key/.test(error.message),
    );
  });

test("an open door takes a new key at once, and the old one no more", async () => {
  await using state = await folder();
  const file = await loadKey(state.path);
  await using door = await startDoor({}, { key: () => file.current() });
  const statusWith = async (key: string) =>
    (await fetch(`${door.url}/openapi.json`, { headers: { authorization: `Bearer ${key}` } })).status;
  const old = await file.current();
  assert.equal(await statusWith(old), 200);
  await rotateKey(state.path);
  assert.equal(await statusWith(old), 401);
  assert.equal(await statusWith(await file.current()), 200);
  await rm(file.path);
  assert.equal(await statusWith(""), 401);
});
