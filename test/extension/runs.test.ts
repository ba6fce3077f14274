import assert from "node:assert/strict";
import { test } from "node:test";
import { createRuns } from "../../extension/runs.ts";

test("only drafts that are written can be used before their audit is done", () => {
  let changes = 0;
  const runs = createRuns(() => void changes++);
  const [first, second] = [runs.begin(), runs.begin()];
  assert.notEqual(first.ticket, second.ticket);
  assert.deepEqual(runs.drafted(), []);
  first.hear({ kind: "draft", text: "x" });
  first.hear({ kind: "drafted" });
  assert.deepEqual(runs.drafted(), [first.ticket]);
  first.hear({ kind: "retry", attempt: 2, why: "hopeless" });
  assert.deepEqual(runs.drafted(), [], "a draft that is written anew is not there yet");
  first.hear({ kind: "drafted" });
  second.hear({ kind: "drafted" });
  first.end();
  assert.deepEqual(runs.drafted(), [second.ticket]);
  assert.equal(runs.count, 1);
  first.end();
  assert.equal(changes, 7, "each change is told once, and nothing else");
});

test("cancelling reaches every run", () => {
  const runs = createRuns(() => undefined);
  const all = [runs.begin(), runs.begin()];
  runs.cancelAll();
  assert.deepEqual(
    all.map((it) => it.signal.aborted),
    [true, true],
  );
});
