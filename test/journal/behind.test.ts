import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { writeBehind } from "../../server/journal/behind.ts";
import { decisionOf, idsOf, makePlace } from "./place.ts";

const ENDED = { kind: "ok", totalMs: 1 } as const;

test("what is told is written in the same turn, in order, and is there for who asks before", async () => {
  await using place = await makePlace();
  const behind = writeBehind(await place.open());
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

for (const how of ["closed", "disposed of"] as const)
  test(`nothing is lost when it is ${how} at once`, async () => {
    await using place = await makePlace();
    const behind = writeBehind(await place.open());
    behind.decided(decisionOf("a"));
    if (how === "closed") behind.closeCleanly();
    else behind[Symbol.dispose]();
    assert.deepEqual(idsOf(await place.open()), ["a"]);
    await turn();
  });
