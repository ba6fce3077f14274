import assert from "node:assert/strict";
import { mkdir, open, readFile, truncate, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { decisionOf, idsOf, makePlace, type Place } from "./place.ts";

interface Damage {
  readonly name: string;
  readonly harm: (path: string) => Promise<void> | void;
}

/** Each done to a journal with 200 decisions in it. */
const damages: readonly Damage[] = [
  { name: "text", harm: (path) => writeFile(path, "dear diary\n".repeat(1_000)) },
  { name: "cut short", harm: (path) => truncate(path, 5_000) },
  { name: "its first page overwritten", harm: (path) => overwrite(path, 100, 3_000) },
  { name: "all but its first page overwritten", harm: (path) => overwrite(path, 4_096, 200_000) },
  {
    name: "another program's database",
    harm(path) {
      const foreign = new DatabaseSync(path);
      foreign.exec("PRAGMA application_id = 1");
      foreign.close();
    },
  },
  {
    name: "a table missing",
    harm(path) {
      const database = new DatabaseSync(path);
      database.exec("DROP TABLE residents");
      database.close();
    },
  },
];

for (const { name, harm } of damages)
  test(`${name}: it is moved aside and a new journal begun`, async () => {
    await using place = await makePlace();
    await fill(place);
    await harm(place.file);
    const bytes = await readFile(place.file);
    const journal = await place.open();
    journal.decided(decisionOf("new"));
    journal.decisions({ limit: 500 });
    journal.decided(decisionOf("newer"));
    journal.remember("key", "Model A");
    const ids = idsOf(journal);
    assert.equal(ids[0], "newer", place.log.lines.join("\n"));
    assert.equal(place.log.lines.length, 1);
    assert.match(place.log.lines[0] ?? "", /cannot be read: a new one is begun.*journal\.broken-1/);
    const kept = await readFile(place.file.replace("journal.db", "journal.broken-1"));
    if (name === "text") assert.deepEqual(kept, bytes);
    journal[Symbol.dispose]();
    assert.equal((await place.open()).intended.length, 1);
  });

test("three broken ones are kept, the newest", async () => {
  await using place = await makePlace();
  for (let at = 1; at <= 5; at++) {
    await mkdir(place.folder, { recursive: true });
    await writeFile(place.file, `broken ${at}\n`.repeat(100));
    (await place.open())[Symbol.dispose]();
  }
  const names = (await place.names()).filter((it) => it.startsWith("journal.broken"));
  assert.deepEqual(names, ["journal.broken-3", "journal.broken-4", "journal.broken-5"]);
  assert.match(await readFile(`${place.folder}/journal.broken-5`, "utf8"), /broken 5/);
});

test("a newer Tandem's journal is not read, written or moved", async () => {
  await using place = await makePlace();
  await fill(place);
  const database = new DatabaseSync(place.file);
  database.exec("PRAGMA user_version = 99");
  database.close();
  const before = await readFile(place.file);
  await quiet(place, /newer Tandem's/);
  assert.deepEqual(await readFile(place.file), before);
  assert.deepEqual(await place.names(), ["journal.db"]);
});

test("a folder that cannot be had: quiet, and said once", async () => {
  await using place = await makePlace();
  await writeFile(place.folder, "in the way");
  await quiet(place, /there is no journal/);
});

test("a file that cannot be opened: quiet, and said once", async () => {
  await using place = await makePlace();
  await mkdir(place.file, { recursive: true });
  await quiet(place, /cannot be written/);
});

test("a disk that is full: what was written stays, the rest is left out, and it is said once", async () => {
  await using place = await makePlace();
  const journal = await place.open({ mostBytes: 100_000 });
  journal.remember("key", "Model A");
  for (let at = 0; at < 200; at++) journal.decided(decisionOf(String(at), { why: "w".repeat(1_000) }));
  assert.deepEqual(idsOf(journal), [], "it is closed");
  assert.equal(place.log.lines.length, 1, place.log.lines.join("\n"));
  assert.match(place.log.lines[0] ?? "", /cannot be written.*full/);
  journal.closeCleanly();
  const next = await place.open();
  const ids = idsOf(next);
  assert.ok(ids.length > 20 && ids.length < 100, String(ids.length));
  assert.equal(ids.at(-1), "0");
  assert.equal(next.intended.length, 1);
  next.decided(decisionOf("again"));
  assert.equal(idsOf(next)[0], "again");
});

async function fill(place: Place): Promise<void> {
  const journal = await place.open();
  for (let at = 0; at < 200; at++) journal.decided(decisionOf(String(at), { why: "w".repeat(500) }));
  journal.closeCleanly();
}

async function overwrite(path: string, from: number, length: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(Buffer.alloc(length, 0xa5), 0, length, from);
}

/** Everything can be asked of it, it answers with nothing, and the log has one line. */
async function quiet(place: Place, says: RegExp): Promise<void> {
  const journal = await place.open();
  journal.decided(decisionOf("a"));
  journal.ended("a", { kind: "ok", totalMs: 1 });
  journal.remember("key", "Model A");
  journal.forget("key");
  assert.deepEqual([journal.lastLife, journal.intended, journal.takeIntended("key")], [null, [], false]);
  assert.deepEqual(journal.decisions({ limit: 10 }), []);
  journal.closeCleanly();
  assert.equal(place.log.lines.length, 1, place.log.lines.join("\n"));
  assert.match(place.log.lines[0] ?? "", says);
}
