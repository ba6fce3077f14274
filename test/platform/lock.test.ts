import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { tryLock } from "../../server/platform/lock.ts";

const root = await mkdtemp(join(tmpdir(), "tandem-"));
after(() => rm(root, { recursive: true, force: true, maxRetries: 20 }));
const ROUNDS = 250;

test("one holds it until it lets go, and only its empty file stays", async () => {
  const path = join(root, "one.lock");
  const first = await tryLock(path);
  assert.ok(first);
  assert.equal(await tryLock(path), null);
  first[Symbol.dispose]();
  const second = await tryLock(path);
  assert.ok(second);
  assert.deepEqual(await readdir(root), ["one.lock"]);
  second[Symbol.dispose]();
});

test("where there is no folder it fails, and does not look taken", async () => {
  await assert.rejects(tryLock(join(root, "none", "one.lock")));
});

// With SQLite's exclusive lock nobody got it in 17 of 900 such rounds.
test(`two processes at the same instant, ${ROUNDS} times: always one gets it`, async () => {
  const url = JSON.stringify(import.meta.resolve("../../server/platform/lock.ts"));
  const startMs = Date.now() + 1_000;
  const script = `import { tryLock } from ${url};
    const held = [], rounds = [];
    for (let round = 0; round < ${ROUNDS}; round++) {
      while (Date.now() < ${startMs} + round * 3);
      const lock = await tryLock(${JSON.stringify(root)} + "/round" + round);
      if (lock) held.push(lock), rounds.push(round);
    }
    console.log(JSON.stringify(rounds));
    process.stdin.resume().on("end", () => process.exit());`;
  const args = ["--input-type=module", "-e", script];
  const racers = [1, 2].map(() => execFile(process.execPath, args));
  const winners = await Promise.all(racers.map(async ({ stdout }) => JSON.parse(await firstLine(stdout)) as number[]));
  for (const { stdin } of racers) stdin?.end();
  assert.deepEqual(
    winners.flat().sort((a, b) => a - b),
    Array.from({ length: ROUNDS }, (_, round) => round),
  );
});

async function firstLine(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text;
}
