import assert from "node:assert/strict";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadConfig } from "../../server/config/load.ts";
import { createConfigOwner } from "../../server/config/owner.ts";
import { recordingLog } from "../fakes/log.ts";

async function place(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "tandem-config-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "tandem", "tandem.jsonc");
}

/** The owner, and what awaits its next change. */
function owned(t: TestContext, path: string, env: Record<string, string> = {}) {
  const log = recordingLog();
  const owner = createConfigOwner({ path, env, log });
  t.after(() => owner[Symbol.dispose]());
  const change = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const listening = owner.listen(() => resolve());
    // What is awaited keeps nobody alive by itself: a watcher does not.
    const alive = setInterval(() => undefined, 1_000);
    return promise.finally(() => {
      clearInterval(alive);
      listening[Symbol.dispose]();
    });
  };
  return { owner, log, change };
}

test("a file that comes, changes, is replaced as editors do, and goes, holds at once", async (t) => {
  const path = await place(t);
  const { owner, log, change } = owned(t, path, { TANDEM_MEMORY_MOST_WAITING: "5" });
  const now = () => [owner.now().config.tasks.maxTokens, owner.now().config.memory.mostWaiting];
  assert.deepEqual(now(), [2_048, 5]);

  let changed = change();
  await mkdir(join(path, ".."));
  await writeFile(path, '{ "tasks": { "maxTokens": 64 }, "memory": { "mostWaiting": 9 } }');
  await changed;
  assert.deepEqual(now(), [64, 5], "the environment is over the file");

  changed = change();
  await writeFile(`${path}.new`, '{ "tasks": { "maxTokens": 65 } }');
  await rename(`${path}.new`, path);
  await changed;
  assert.deepEqual(now(), [65, 5]);
  assert.ok(log.lines.some((it) => it.includes("configuration changed") && it.includes("tasks.maxTokens")));

  changed = change();
  await rm(path);
  await changed;
  assert.deepEqual(now(), [2_048, 5]);
});

test("a file that is half written changes nothing until it is whole", async (t) => {
  const path = await place(t);
  await mkdir(join(path, ".."));
  await writeFile(path, '{ "tasks": { "maxTokens": 64 } }');
  const { owner, log } = owned(t, path);
  await writeFile(path, '{ "tasks": { "maxTok');
  owner.reread();
  owner.reread();
  assert.equal(owner.now().config.tasks.maxTokens, 64);
  assert.equal(log.lines.filter((it) => it.includes("Until it is whole again")).length, 1, "told once");
  await writeFile(path, '{ "tasks": { "maxTokens": 0 } }');
  owner.reread();
  assert.equal(owner.now().config.tasks.maxTokens, 64, "a wrong value keeps what it was");
});

const bad: readonly { name: string; make(path: string): Promise<unknown>; problem: RegExp }[] = [
  { name: "a folder in its place", make: (path) => mkdir(path, { recursive: true }), problem: /is no file/ },
  { name: "a file beyond all measure", make: (path) => writeFile(path, " ".repeat(2e6)), problem: /2000000 bytes/ },
];

for (const { name, make, problem } of bad)
  test(`${name} is told, and the defaults hold`, async (t) => {
    const path = await place(t);
    await mkdir(join(path, ".."));
    await make(path);
    const loaded = loadConfig({ path, env: {}, before: null });
    assert.match(loaded.problems[0]?.message ?? "", problem);
    assert.equal(loaded.config.tasks.maxTokens, 2_048);
  });

test("a key in a file that others can read is told", { skip: process.platform === "win32" }, async (t) => {
  const path = await place(t);
  await mkdir(join(path, ".."));
  const text = '{ "models": [{ "name": "m", "backend": "endpoint", "port": 1, "apiKey": "k" }] }';
  await writeFile(path, text, { mode: 0o644 });
  assert.match(loadConfig({ path, env: {}, before: null }).problems[0]?.message ?? "", /chmod 600/);
  await rm(path);
  await writeFile(path, text, { mode: 0o600 });
  assert.deepEqual(loadConfig({ path, env: {}, before: null }).problems, []);
});

test("a variable that is out of bounds is told by its name", () => {
  const { config, problems } = loadConfig({
    path: "/nowhere/tandem.jsonc",
    env: { TANDEM_MAX_TOKENS: "1" },
    before: null,
  });
  assert.equal(config.tasks.maxTokens, 2_048);
  assert.match(problems[0]?.message ?? "", /^TANDEM_MAX_TOKENS: 1: /);
});
