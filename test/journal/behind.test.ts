import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createJournal } from "../../server/journal/journal.ts";
import { behindAnswers } from "../../server/journal/queue.ts";
import { silentLog } from "../fakes/log.ts";
import { decisionOf, idsOf, makePlace, START_MS } from "./place.ts";

const ENDED = { kind: "ok", totalMs: 1 } as const;

async function openBehind(folder: string, later = behindAnswers()) {
  return createJournal({ folder, log: silentLog, wallMs: () => START_MS, later });
}

test("what is told is written in the same turn, in order, and is there for who asks before", async () => {
  await using place = await makePlace();
  using behind = await openBehind(place.folder);
  const disk = await place.open();
  behind.decided(decisionOf("a"));
  behind.ended("a", ENDED);
  assert.deepEqual(idsOf(disk), []);
  assert.deepEqual(behind.decisions({ limit: 1 })[0]?.outcome, ENDED);
  behind.decided(decisionOf("b"));
  behind.ended("b", ENDED);
  await turn();
  assert.deepEqual(idsOf(disk), ["b", "a"]);
  assert.deepEqual(disk.decisions({ limit: 1 })[0]?.outcome, ENDED);
});

test("what comes close together is written together", async () => {
  await using place = await makePlace();
  const due: (() => void)[] = [];
  using behind = await openBehind(place.folder, (write) => due.push(write));
  const disk = await place.open();
  for (const id of ["a", "b", "c"]) behind.decided(decisionOf(id));
  assert.equal(due.length, 1);
  due.shift()?.();
  assert.deepEqual(idsOf(disk), ["c", "b", "a"]);
  behind.decided(decisionOf("d"));
  assert.equal(due.length, 1);
});

for (const how of ["closed", "disposed of"] as const)
  test(`nothing is lost when it is ${how} at once`, async () => {
    await using place = await makePlace();
    const behind = await openBehind(place.folder);
    behind.decided(decisionOf("a"));
    if (how === "closed") behind.closeCleanly();
    else behind[Symbol.dispose]();
    assert.deepEqual(idsOf(await place.open()), ["a"]);
    await turn();
  });
