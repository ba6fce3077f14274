import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { test } from "node:test";
import { MOST_DECISIONS } from "../../server/journal/decisionTable.ts";
import { INTENT_MS } from "../../server/journal/lifeTable.ts";
import { unixOnly } from "../setup/only.ts";
import { decisionOf, idsOf, makePlace, START_MS } from "./place.ts";

test("a decision is kept, with how it ended, for the next orchestrator", async () => {
  await using place = await makePlace();
  const first = await place.open();
  assert.equal(first.lastLife, null);
  first.decided(decisionOf("a"));
  first.decided(decisionOf("b"));
  first.decided(decisionOf("c"));
  first.ended("a", { kind: "ok", totalMs: 12 });
  first.ended("b", { kind: "failed", code: "timeout", totalMs: 300_000 });
  const running = { ...decisionOf("c"), outcome: null };
  const rest = [
    { ...decisionOf("b"), outcome: { kind: "failed", code: "timeout", totalMs: 300_000 } },
    { ...decisionOf("a"), outcome: { kind: "ok", totalMs: 12 } },
  ];
  assert.deepEqual(first.decisions({ limit: 10 }), [running, ...rest]);
  first[Symbol.dispose]();
  const second = await place.open();
  assert.deepEqual(second.decisions({ limit: 10 }), [{ ...running, outcome: { kind: "lost" } }, ...rest]);
  assert.deepEqual(place.log.lines, []);
});

test("pages go back from the newest, and end", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  for (const id of ["1", "2", "3", "4", "5"]) journal.decided(decisionOf(id));
  assert.deepEqual(idsOf(journal, { limit: 2 }), ["5", "4"]);
  assert.deepEqual(idsOf(journal, { limit: 2, before: "4" }), ["3", "2"]);
  assert.deepEqual(idsOf(journal, { limit: 2, before: "2" }), ["1"]);
  assert.deepEqual(idsOf(journal, { limit: 2, before: "1" }), []);
  assert.deepEqual(idsOf(journal, { limit: 2, before: "unknown" }), []);
});

test("the newest 5,000 stay, and the file stops growing", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  const why = "w".repeat(1_000);
  const most = MOST_DECISIONS + 600;
  for (let at = 1; at <= most; at++) journal.decided(decisionOf(String(at), { why }));
  const ids: string[] = [];
  for (let page = idsOf(journal); page.length > 0; page = idsOf(journal, { limit: 500, before: page.at(-1) }))
    ids.push(...page);
  assert.equal(ids[0], String(most));
  assert.ok(ids.length >= MOST_DECISIONS && ids.length < MOST_DECISIONS + 300, String(ids.length));
  const bytes = async () => (await stat(place.file)).size + (await stat(`${place.file}-wal`)).size;
  const before = await bytes();
  for (let at = 1; at <= 2_000; at++) journal.decided(decisionOf(`more ${at}`, { why }));
  assert.ok((await bytes()) < before * 1.1, `${before} became ${await bytes()}`);
});

test("what was loaded at a death is loaded again: once, and by its key alone", async () => {
  await using place = await makePlace();
  const first = await place.open();
  first.remember('["key of a", "secret"]', "Model A on cuda:0");
  first.remember("key of b", "Model B on cuda:1");
  first.remember("key of c", "Model C on cuda:1");
  first.forget("key of b");
  place.nowMs += 60_000;
  first[Symbol.dispose]();
  const second = await place.open();
  assert.deepEqual(
    second.intended.map((it) => it.description),
    ["Model A on cuda:0", "Model C on cuda:1"],
  );
  assert.deepEqual(
    ['["key of a", "secret"]', "key of b", "key of c", "key of d"].map((it) => second.takeIntended(it)),
    [true, false, true, false],
  );
  assert.equal(second.takeIntended("key of c"), false, "once it was asked for, it is loaded when it is needed");
  assert.equal((await readFile(place.file)).includes("secret"), false);
  second[Symbol.dispose]();
  assert.deepEqual((await place.open()).intended, [], "it died before it had loaded them");
});

const ends = [
  { name: "long before", idleMs: INTENT_MS + 1, want: 0 },
  { name: "just now", idleMs: INTENT_MS, want: 1 },
  { name: "in the future, for the clock was set back", idleMs: -1, want: 0 },
];
for (const { name, idleMs, want } of ends)
  test(`its last sign of life was ${name}: ${want} to load again`, async () => {
    await using place = await makePlace();
    const first = await place.open();
    first.remember("key", "Model A");
    first[Symbol.dispose]();
    place.nowMs += idleMs;
    assert.equal((await place.open()).intended.length, want);
  });

test("what is used stays fresh: a decision is a sign of life", async () => {
  await using place = await makePlace();
  const first = await place.open();
  first.remember("key", "Model A");
  place.nowMs += INTENT_MS;
  first.decided(decisionOf("a"));
  first[Symbol.dispose]();
  place.nowMs += INTENT_MS;
  assert.deepEqual((await place.open()).intended, [{ description: "Model A", seenMs: START_MS + INTENT_MS }]);
});

test("an engine that nobody has asked for until much later is not loaded ahead any more", async () => {
  await using place = await makePlace();
  const first = await place.open();
  first.remember("key", "Model A");
  first[Symbol.dispose]();
  const second = await place.open();
  place.nowMs += INTENT_MS + 1;
  assert.equal(second.takeIntended("key"), false);
});

test("an end in order leaves nothing to load, and is told from a death", async () => {
  await using place = await makePlace();
  const first = await place.open();
  first.remember("key", "Model A");
  place.nowMs += 5_000;
  first.closeCleanly();
  const second = await place.open();
  const clean = { pid: process.pid, startedMs: START_MS, seenMs: START_MS + 5_000, isClean: true };
  assert.deepEqual([second.intended, second.lastLife], [[], clean]);
  place.nowMs += 1_000;
  second.decided(decisionOf("a"));
  second[Symbol.dispose]();
  const died = { pid: process.pid, startedMs: START_MS + 5_000, seenMs: START_MS + 6_000, isClean: false };
  assert.deepEqual((await place.open()).lastLife, died);
});

test("more engines than a machine holds are not remembered", async () => {
  await using place = await makePlace();
  const first = await place.open();
  for (let at = 0; at < 40; at++) first.remember(`key ${at}`, `Model ${at}`);
  first.remember("key 3", "Model 3, moved");
  first[Symbol.dispose]();
  const { intended } = await place.open();
  assert.equal(intended.length, 16);
  assert.equal(intended[3]?.description, "Model 3, moved");
});

test("neither what a decision must not have nor where a file lies is kept", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  const decision = decisionOf("a", {
    asked: "file:/home/somebody/models/coder.gguf",
    model: "/home/somebody/models/coder.gguf",
    why: "https://me:pass@host:8080 asked for it",
  });
  journal.decided({ ...decision, prompt: "fix my code" } as typeof decision);
  const [entry] = journal.decisions({ limit: 1 });
  assert.deepEqual(
    [entry?.asked, entry?.model, entry?.why],
    ["coder.gguf", "coder.gguf", "https://host:8080 asked for it"],
  );
  journal[Symbol.dispose]();
  const bytes = await readFile(place.file, "latin1");
  for (const word of ["somebody", "fix my code", "pass@"]) assert.equal(bytes.includes(word), false, word);
});

test("a decision of absurd size is left out", async () => {
  await using place = await makePlace();
  const journal = await place.open();
  journal.decided(decisionOf("a", { why: "w".repeat(1_000_000) }));
  journal.ended("a", { kind: "ok", totalMs: 1 });
  journal.decided(decisionOf("b"));
  assert.deepEqual(idsOf(journal), ["b"]);
});

test("the file is this user's alone", { skip: unixOnly }, async () => {
  await using place = await makePlace();
  const journal = await place.open();
  journal.decided(decisionOf("a"));
  for (const path of [place.file, `${place.file}-wal`]) assert.equal((await stat(path)).mode & 0o077, 0, path);
  assert.equal((await stat(place.folder)).mode & 0o077, 0);
});
