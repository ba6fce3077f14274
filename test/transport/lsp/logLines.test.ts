import assert from "node:assert/strict";
import { test } from "node:test";
import { gatherLines } from "../../../server/transport/lsp/logLines.ts";

test("the first line goes out at once, those that follow it together and in order", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent: string[] = [];
  const lines = gatherLines<string>((line) => sent.push(line));
  lines.add("a");
  assert.deepEqual(sent, ["a"]);
  for (const it of ["b", "c"]) lines.add(it);
  assert.deepEqual(sent, ["a"]);
  t.mock.timers.tick(50);
  assert.deepEqual(sent, ["a", "b", "c"]);
  lines.add("d");
  assert.deepEqual(sent, ["a", "b", "c"]);
  t.mock.timers.tick(50);
  t.mock.timers.tick(50);
  lines.add("e");
  assert.deepEqual(sent, ["a", "b", "c", "d", "e"]);
});

test("what waits is sent when nothing more will come, and never more than so much waits", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const sent: number[] = [];
  const lines = gatherLines<number>((line) => sent.push(line));
  for (let at = 0; at < 1_000; at++) lines.add(at);
  assert.ok(sent.length >= 800, `${sent.length}`);
  lines.flush();
  assert.deepEqual(
    sent,
    Array.from({ length: 1_000 }, (_, at) => at),
  );
});
