import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Journal } from "../../server/ports.ts";
import type { JournalEntry } from "../../server/protocol/decisions.ts";
import { idsOf, makePlace } from "./place.ts";

const WRITER = fileURLToPath(new URL("writer.ts", import.meta.url));
const KILLS = 20;
/** The most that a journal tells at once. */
const PAGE = 500;

test(`killed ${KILLS} times while it writes: every entry it told of can be read, and no other is half there`, async () => {
  await using place = await makePlace();
  for (let round = 1; round <= KILLS; round++) {
    const writer = start(place.folder, `round ${round}`);
    const output = collect(writer);
    while (!output.text.includes(`${round * 7}\n`)) await once(writer.stdout, "data");
    writer.kill("SIGKILL");
    await once(writer, "close");
    // The last line may be half a number.
    const told = Math.max(...output.text.split("\n").slice(0, -1).map(Number));
    place.nowMs = Date.now();
    const journal = await place.open();
    assert.deepEqual([journal.lastLife?.pid, journal.lastLife?.isClean], [writer.pid, false]);
    assert.equal(journal.intended[0]?.description, "Model A");
    const mine = writtenIn(journal, `round ${round} `);
    assert.ok(mine.length >= told, `${told} were told of, ${mine.length} are there`);
    assert.deepEqual(
      mine.map((it) => it.id),
      mine.map((_, at) => `round ${round} ${mine.length - at}`),
    );
    assert.equal(
      mine.slice(1).every((it) => it.outcome?.kind === "ok"),
      true,
    );
    journal.closeCleanly();
  }
  assert.deepEqual(place.log.lines, []);
});

test("three processes write at the same time, and none loses anything", async () => {
  await using place = await makePlace();
  const writers = ["old", "new", "third"].map((name) => start(place.folder, name, 150));
  for (const it of writers) it.stdout.resume();
  const exits = await Promise.all(writers.map((it) => once(it, "exit")));
  assert.deepEqual(
    exits.map(([code]) => code as unknown),
    [0, 0, 0],
  );
  const journal = await place.open();
  assert.equal(idsOf(journal).length, 450);
  assert.equal(journal.lastLife?.isClean, true);
  assert.deepEqual(journal.intended, []);
});

test("one that still runs has not died: what it has loaded is its own", async (t) => {
  await using place = await makePlace();
  const old = start(place.folder, "old");
  t.after(() => old.kill("SIGKILL"));
  await once(old.stdout, "data");
  old.stdout.resume();
  place.nowMs = Date.now();
  const heir = await place.open();
  assert.deepEqual([heir.lastLife, heir.intended], [null, []]);
  heir.closeCleanly();
  const gone = once(old, "exit");
  old.kill("SIGKILL");
  await gone;
  place.nowMs = Date.now();
  assert.equal((await place.open()).intended.length, 1);
});

/** All that one writer wrote, newest first: on a busy machine that is more than a page by the time it is killed. */
function writtenIn(journal: Journal, name: string): JournalEntry[] {
  const found: JournalEntry[] = [];
  for (;;) {
    const last = found.at(-1)?.id;
    const page = journal.decisions({ limit: PAGE, ...(last === undefined ? {} : { before: last }) });
    const mine = page.filter((it) => it.id.startsWith(name));
    found.push(...mine);
    if (mine.length < PAGE) return found;
  }
}

type Writer = ChildProcessByStdio<null, Readable, null>;

function start(folder: string, name: string, most?: number): Writer {
  const args = [WRITER, folder, name, ...(most === undefined ? [] : [String(most)])];
  return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
}

function collect(writer: Writer): { text: string } {
  const output = { text: "" };
  writer.stdout.setEncoding("utf8").on("data", (piece: string) => {
    output.text += piece;
  });
  return output;
}
